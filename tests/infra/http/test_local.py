"""The same API on loopback, as programs of this machine speak to it: real HTTP, real Temporal."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sagents import SagentsError
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.serving import Serving, listen, local_issuer
from sagents_infra.http.tokens import LocalIssuer
from sagents_infra.stores.sqlite import SqliteStore
from tests.infra.http.asking import desk_app
from tests.infra.http.conftest import office_of

ISSUER = LocalIssuer(b"s" * 32)
Opened = AbstractAsyncContextManager[httpx.AsyncClient]


def token(env: Any, subject: str = "ann", **more: Any) -> dict[str, str]:
    """A header of somebody in a tenant of this test's own."""
    return {"Authorization": f"Bearer {ISSUER.token(subject, tenant=f'acme-{env.prefix}', **more)}"}


@pytest.fixture
def local(agent_env: Any, tmp_path: Path) -> Callable[..., Opened]:
    """`async with local() as (client, env):`, a server and somebody with a token."""

    @asynccontextmanager
    async def opened(issuer: LocalIssuer | None = ISSUER, **options: Any) -> AsyncIterator[Any]:
        store, path, stopping = SqliteStore(tmp_path / "store.db"), tmp_path / "store.db", asyncio.Event()
        async with agent_env(desk_app(), store=store) as env:
            serving = Serving(issuer, HttpOptions(**options), lambda given, loop: office_of(env, path, given, loop))
            with listen(0) as listening:
                address = f"http://127.0.0.1:{listening.getsockname()[1]}"
                running = asyncio.create_task(serving.run(listening, stopping))
                async with httpx.AsyncClient(base_url=address, headers=token(env), timeout=30) as client:
                    yield client, env
                stopping.set()
                await running
        store.close()

    return opened


async def begun(client: httpx.AsyncClient, conversation: str = "7", message: str = "Hello") -> str:
    started = await client.post(
        "/conversations", json={"agent": "echo", "conversation_id": conversation, "message": message}
    )
    assert started.status_code == 201, started.text
    return str(started.json()["agent_id"])


@pytest.mark.asyncio
async def test_a_conversation_as_any_program_has_it(local: Callable[..., Any]) -> None:
    async with local() as (client, env):
        async with httpx.AsyncClient(base_url=client.base_url) as nobody:
            assert (await nobody.get("/health")).json()["status"] == "ok"
        await begun(client)
        seen, after = [], 0
        while "llm_message" not in seen:
            page = (await client.get("/conversations/7/events", params={"after": after, "wait": 20})).json()
            seen += [event["type"] for event in page["events"]]
            after = page["after"]
        described = (await client.get("/openapi.json")).json()
        assert described["openapi"] == "3.1.0"
        missing = await client.get("/conversations/none")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
        stranger = await client.get("/conversations/7", headers=token(env, "ben", scopes=("sagents:read",)))
        assert stranger.status_code == 404


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Authorization": "Bearer abc"}, 401),
        ({"Authorization": f"Bearer {LocalIssuer(b'x' * 32).token('ann')}"}, 401),
        ({"Authorization": f"Bearer {ISSUER.token('ann', valid_for=timedelta(hours=-1))}"}, 401),
        ({"Authorization": f"Bearer {ISSUER.token('ann', scopes=('sagents:write',))}"}, 403),
        ({"Host": "evil.example"}, 403),
    ],
    ids=["malformed", "another key", "expired", "another scope", "another host"],
)
@pytest.mark.asyncio
async def test_who_is_not_believed_reaches_nothing(
    local: Callable[..., Any], header: dict[str, str], status: int
) -> None:
    async with local() as (client, _):
        refused = await client.get("/conversations", headers=header)
        assert refused.status_code == status
        assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.asyncio
async def test_a_request_without_a_token_is_refused_but_where_none_is_asked_for(local: Callable[..., Any]) -> None:
    async with local() as (client, _):
        del client.headers["Authorization"]
        assert (await client.get("/conversations")).status_code == 401
    async with local(issuer=None) as (client, _):
        del client.headers["Authorization"]
        assert (await client.get("/conversations")).status_code == 200
        foreign = {"Origin": "https://evil.example"}
        assert (await client.post("/conversations", json={}, headers=foreign)).status_code == 403
        assert (await client.get("/conversations", headers={"Origin": "http://localhost:3000"})).status_code == 200


@pytest.mark.asyncio
async def test_events_are_streamed_with_their_ids_and_go_on_after_the_last_one(local: Callable[..., Any]) -> None:
    async with local() as (client, _):
        await begun(client)
        events = await streamed(client, {}, lambda event: event["type"] == "llm_message")
        stored = [event["id"] for event in events if event.get("id")]
        assert stored == list(range(1, len(stored) + 1))
        await client.post("/conversations/7/messages", json={"content": "More"})
        more = await streamed(
            client, {"Last-Event-ID": str(stored[-1])}, lambda event: event["type"] == "llm_message" and event["id"]
        )
        assert next(event["id"] for event in more if event.get("id")) == stored[-1] + 1
        refused = await client.get("/conversations/none/events", headers={"Accept": "text/event-stream"})
        assert refused.status_code == 404


async def streamed(
    client: httpx.AsyncClient, headers: dict[str, str], enough: Callable[[Any], Any]
) -> list[dict[str, Any]]:
    """What comes, until it is enough."""
    found: list[dict[str, Any]] = []
    accept = {"Accept": "text/event-stream", **headers}
    async with asyncio.timeout(30), client.stream("GET", "/conversations/7/events", headers=accept) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                if enough(found[-1]):
                    break
    return found


@pytest.mark.asyncio
async def test_a_stream_ends_with_its_token(local: Callable[..., Any]) -> None:
    async with local() as (client, env):
        await begun(client)
        short = token(env, valid_for=timedelta(seconds=5))
        asked, accept = time.monotonic(), {"Accept": "text/event-stream", **short}
        async with client.stream("GET", "/conversations/7/events", headers=accept) as stream:
            assert stream.status_code == 200
            assert [line async for line in stream.aiter_lines() if line.startswith("data: ")]
        assert time.monotonic() - asked < 60


@pytest.mark.asyncio
async def test_a_long_poll_answers_as_soon_as_something_happens(local: Callable[..., Any]) -> None:
    async with local() as (client, _):
        await begun(client)
        last = 0
        while page := (await client.get("/conversations/7/events", params={"after": last, "wait": 2})).json()["events"]:
            last = page[-1]["id"]
        waiting = asyncio.create_task(client.get("/conversations/7/events", params={"after": last, "wait": 20}))
        await asyncio.sleep(0)
        asked = time.monotonic()
        await client.post("/conversations/7/messages", json={"content": "More"})
        assert (await waiting).json()["events"]
        assert time.monotonic() - asked < 10


@pytest.mark.asyncio
async def test_many_at_once_are_all_taken_and_each_has_its_row(local: Callable[..., Any]) -> None:
    """200 requests at once, half of them to one conversation, at a rate that allows them: none is refused, none gets

    another's words, all are in the transcript. How long that takes is `benchmarks doors`' to say.
    """
    async with local(rate=1000, burst=400, patience_ms=25_000) as (client, _):
        await asyncio.gather(*(begun(client, f"c{n}", "first") for n in range(10)))
        places = [f"c{n % 10}" if n % 2 else "c0" for n in range(200)]
        answers = await asyncio.gather(
            *(
                client.post(f"/conversations/{place}/messages", json={"content": f"message {n}"}, timeout=60)
                for n, place in enumerate(places)
            )
        )
        assert {answer.status_code for answer in answers} == {202}
        wanted = {(answer.json()["message_id"], f"message {n}", places[n]) for n, answer in enumerate(answers)}
        async with asyncio.timeout(60):
            while wanted:
                for place in set(places):
                    page = await client.get(f"/conversations/{place}/messages", params={"limit": 200})
                    rows = page.json()["rows"]
                    wanted -= {(row["id"].rpartition(".")[0], row["content"].get("text"), place) for row in rows}


@pytest.mark.asyncio
async def test_of_many_at_once_those_above_the_rate_are_refused_and_no_others(local: Callable[..., Any]) -> None:
    """Those refused are in no transcript, and are told when to come back."""
    async with local(rate=0.01, burst=41, patience_ms=25_000) as (client, env):
        agent_id = await begun(client, "7", "first")  # one of the 41
        answers = await asyncio.gather(
            *(
                client.post("/conversations/7/messages", json={"content": f"message {n}"}, timeout=60)
                for n in range(200)
            )
        )
        found = Counter(answer.status_code for answer in answers)
        assert (found[202], found[202] + found[429]) == (40, 200)
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 429)
        taken = {"first", *(f"message {n}" for n, answer in enumerate(answers) if answer.status_code == 202)}

        async def said() -> list[str]:
            rows = await env.store.rows(agent_id, limit=200)
            return [row.content.get("text") for row in rows if row.message_type == "user"]

        async with asyncio.timeout(60):
            while len(shown := await said()) < len(taken):  # noqa: ASYNC110 (an agent that wakes writes them)
                await asyncio.sleep(0.1)
        assert sorted(shown) == sorted(taken)


@pytest.mark.asyncio
async def test_a_busy_port_is_said_or_another_one_taken() -> None:
    with listen(0) as first:
        port = first.getsockname()[1]
        first.listen()
        with pytest.raises(SagentsError, match=f"Port {port} is busy"):
            listen(port)
        with listen(port, or_any=True) as second:
            assert second.getsockname() != first.getsockname()
            assert second.getsockname()[0] == "127.0.0.1"


def test_the_key_of_a_folder_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        first, second = threads.map(local_issuer, [tmp_path] * 2)
    assert first == second
    assert (tmp_path / "http.key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["http.key"]
