"""`POST /ag-ui/{agent}` of the local server, as a page has it: real HTTP, real agents, and who may talk to whom."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sagents_infra.http.ag_ui import Asked
from tests.infra.ag_ui.client import Page
from tests.infra.http.asking import ANN, event
from tests.infra.http.test_local import begun, local, token

__all__ = ["local"]  # the fixture

pytestmark = pytest.mark.asyncio


def asked(thread: str, run: str, *words: str, **more: Any) -> dict[str, Any]:
    """A page's request: what its user has said so far."""
    messages = [{"id": f"{thread}-{number}", "role": "user", "content": text} for number, text in enumerate(words)]
    return {"threadId": thread, "runId": run, "messages": messages, **more}


async def ran(client: httpx.AsyncClient, agent: str, body: dict[str, Any], **headers: str) -> Page:
    """What a page has after a run of its own; each event is checked by it."""
    page = Page(body["messages"])
    async with client.stream("POST", f"/ag-ui/{agent}", json=body, headers=headers) as stream:
        assert stream.status_code == 200, await stream.aread()
        assert stream.headers["content-type"] == "text/event-stream"
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                page.take(json.loads(line.removeprefix("data: ")))
    return page


async def test_a_page_talks_to_an_agent_and_decides_what_it_asks(local: Callable[..., Any]) -> None:
    async with local() as (client, env):
        page = await ran(client, "echo", asked("7", "r1", "Hello"))
        assert page.texts == ["answer 0"]
        assert page.runs[-1]["outcome"]["type"] == "success"
        owned = (await client.get("/conversations/7")).json()
        assert (owned["owner"], owned["tenant"]) == ("ann", f"acme-{env.prefix}")
        again = await ran(client, "echo", asked("7", "r2", "Hello", "More"))
        assert again.texts[-1] == "answer 1"

        page = await ran(client, "desk", asked("8", "r1", "Refund order 7"))
        (waits,) = page.runs[-1]["outcome"]["interrupts"]
        decision = [{"interruptId": waits["id"], "status": "resolved", "payload": {"type": "approve"}}]
        boss = token(env, "ben", groups=("finance",), scopes=("sagents:write", "sagents:approve", "sagents:admin"))
        read_only = token(env, "ben", groups=("finance",), scopes=("sagents:write", "sagents:admin"))
        body = asked("8", "r2", "Refund order 7", resume=decision)
        refused = await client.post("/ag-ui/desk", json=body, headers=read_only)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:sagents:problem:missing-scope")
        assert "sagents:approve" in refused.json()["detail"]
        page = await ran(client, "desk", body, **boss)
        assert page.runs[-1]["outcome"]["type"] == "success"
        assert page.texts[-1] == "Done."


async def test_a_thread_of_somebody_else_reads_as_everywhere_and_nothing_is_told(local: Callable[..., Any]) -> None:
    async with local() as (client, env):
        await begun(client, "7", "a secret")
        for stranger in (token(env, "ben", scopes=("sagents:write",)), token(env, scopes=("sagents:read",))):
            refused = await client.post("/ag-ui/echo", json=asked("7", "r1", "Hello"), headers=stranger)
            assert refused.status_code in (403, 404)
            assert refused.headers["content-type"] == "application/problem+json"
            assert "secret" not in refused.text
        assert len((await client.get("/conversations/7/messages")).json()["rows"]) <= 2


async def test_what_is_no_run_is_a_problem_document_and_starts_nothing(local: Callable[..., Any]) -> None:
    async with local() as (client, env):
        fine = asked("7", "r1", "Hello")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        past = token(env, valid_for=timedelta(hours=-1))
        reader = token(env, scopes=("sagents:read", "sagents:approve", "sagents:admin"))
        attempts: list[tuple[int, str, dict[str, Any]]] = [
            (400, "malformed-body", {"content": "no JSON"}),
            (400, "malformed-body", {"content": b"\xff"}),
            (422, "invalid-request", {"json": {"threadId": "7"}}),
            (422, "invalid-request", {"json": {**fine, "threadId": "a/b"}}),
            (422, "invalid-request", {"json": {**fine, "threadId": "conversation-" + "7" * 200}}),
            (415, "unsupported-media-type", {"content": json.dumps(fine), "headers": form}),
            (401, "unauthenticated", {"json": fine, "headers": past}),
            (403, "missing-scope", {"json": fine, "headers": reader}),
            (403, "missing-scope", {"content": "no JSON", "headers": reader}),
            (413, "too-large", {"content": b"[" + b" " * 3_000_000 + b"]"}),
        ]
        for status, slug, given in attempts:
            refused = await client.post("/ag-ui/echo", **given)
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (status, slug)
            assert refused.headers["content-type"] == "application/problem+json"
        del client.headers["Authorization"]
        assert (await client.post("/ag-ui/echo", json=fine)).status_code == 401
        client.headers.update(token(env))
        assert (await client.get("/conversations/7")).status_code == 404


async def test_the_rate_counts_these_requests_and_only_agents_that_there_are_answer(local: Callable[..., Any]) -> None:
    async with local(rate=0.001, burst=1, agents="echo") as (client, env):
        other = token(env, "ann")
        unknown = await client.post("/ag-ui/nobody", json=asked("7", "r1"), headers=other)
        assert (unknown.status_code, unknown.json()["type"]) == (422, "urn:sagents:problem:agent-not-registered")
        refused = await client.post("/ag-ui/echo", json=asked("7", "r1", "Hello"), headers=other)
        assert refused.status_code == 429
        assert refused.headers["retry-after"]


async def test_a_run_is_told_no_longer_than_its_token_holds() -> None:
    until = str(time.time() + 60)
    sent = event("POST", "/ag-ui/echo", asked("7", "r1", "Hello"), claims={**ANN.claims, "exp": until})
    left = Asked.of("echo", sent).ends_in
    assert left is not None
    assert 50 < left <= 60
