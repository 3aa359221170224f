"""Agents whose store fails, is slow and hears things twice: runs complete, and rows and events are there once."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from sagents import Agent, Approve, Message, Sagents, Status, ToolCall, ask, tool
from sagents.client import AgentServer
from sagents.display import RowStatus
from sagents.errors import CannotAnswer, CannotResume, StoreUnavailable
from sagents.events import Event
from sagents.ports import DeltaSink, ModelRequest, Store
from sagents_infra.stores import MemoryStore, SqliteStore
from sagents_infra.stores.dynamodb import DynamoDBStore, dynamodb_client
from sagents_infra.stores.dynamodb_schema import ensure_table
from tests.infra.stores import dynamodb_servers
from tests.support.deciding import server_of
from tests.support.flaky_store import FlakyStore
from tests.support.models import Thinks, last_user_text, results_since_user

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

T = TypeVar("T")

PATIENCE = 60.0
FAILS, REPEATS = 0.04, 0.2
"""Of the calls: an activity makes about ten, and each time that it fails costs a pause."""


@tool
def look(thing: str) -> str:
    """Look at something."""
    return f"seen {thing}"


@tool(approval=ask())
def shred(paper: str) -> str:
    """Shred a paper."""
    return f"shredded {paper}"


WISHES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "one": [("look", {"thing": "sky"}), ("look", {"thing": "sea"})],
    "two": [("shred", {"paper": "bill"}), ("look", {"thing": "bin"})],
    "three": [],
}
SAID = {"one": "seen sky, seen sea", "two": "shredded bill, seen bin", "three": "nothing"}


def think(request: ModelRequest, _: DeltaSink) -> Message:
    wish, results = last_user_text(request), results_since_user(request)
    if results or not WISHES[wish]:
        return Message.assistant(", ".join(results) or "nothing")
    calls = [
        ToolCall(call_id=f"{wish}-{n}", name=name, arguments=given) for n, (name, given) in enumerate(WISHES[wish])
    ]
    return Message.assistant(f"I go: {wish}", tool_calls=tuple(calls))


def desk() -> Sagents:
    app = Sagents()
    app.agent("desk", Agent(model=Thinks(think), tools=[look, shred]))
    return app


@pytest.fixture(scope="module")
def dynamodb_url() -> Iterator[str]:
    yield from dynamodb_servers.serve()


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    match request.param:
        case "memory":
            yield MemoryStore()
        case "sqlite":
            file = SqliteStore(tmp_path / "store.db")
            yield file
            file.close()
        case _:
            with table_at(request.getfixturevalue("dynamodb_url")) as table:
                yield table


@contextmanager
def table_at(url: str) -> Iterator[DynamoDBStore]:
    with dynamodb_servers.credentials():
        client, name = dynamodb_client("us-east-1", url), f"agents-{uuid4().hex}"
        ensure_table(client, name)
        table = DynamoDBStore(client, name)
        yield table
        table.close()


async def insist(attempt: Callable[[], Awaitable[T]]) -> T:
    """Again until somebody answers, as every client should, always with the same id."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return await attempt()
        except (CannotAnswer, StoreUnavailable):
            if time.monotonic() > until:
                raise


async def reaches(server: AgentServer, agent_id: str, status: Status) -> None:
    until = time.monotonic() + PATIENCE
    while (now := await insist(lambda: server.get_status(agent_id))) is not status:
        assert time.monotonic() < until, f"it is {now}, not {status}"
        await asyncio.sleep(0.02)


async def day(server: AgentServer, agent_id: str) -> None:
    """Two errands, an approval between them, a sleep, and another errand."""
    await insist(lambda: server.start("desk", agent_id=agent_id))
    for text in ("one", "two"):
        await insist(partial(server.add_message, agent_id, text, id=f"m-{text}"))
        await reaches(server, agent_id, Status.IDLE if text == "one" else Status.INTERRUPTED)
    with suppress(CannotResume):  # an earlier try has reached it
        await insist(lambda: server.resume(agent_id, Approve()))
    await reaches(server, agent_id, Status.IDLE)
    await insist(lambda: server.stop(agent_id))
    await insist(lambda: server.add_message(agent_id, "three", id="m-three"))
    await reaches(server, agent_id, Status.IDLE)
    await insist(lambda: server.stop(agent_id))


def told(events: Sequence[Event]) -> Counter[str]:
    """How often each thing is told, but what an agent does when it boots: that depends on what waits for it then."""
    return Counter(words for event in events if (words := _words(event)))


def _words(event: Event) -> str:
    data: Any = event.data
    match event.type:
        case "status_changed":
            return f"is {data['status']}" if event.run_id else ""
        case "llm_message":
            return f"says {data['message']['content']}"
        case "tool_execution_update":
            return f"{data['name']} {data['status']}"
        case "display_message_saved" | "display_message_updated":
            content = data["row"]["content"]
            about = content.get("text") or f"call of {content['name']} {data['row']['status']}"
            return f"{event.type.removeprefix('display_message_')} {about}"
        case "tool_call_identified":
            return f"calls {data['name']}"
        case _:
            return event.type


def call_of(name: str, *, approved: bool = False) -> list[str]:
    """What is told of a call that succeeds."""
    asked = [f"updated call of {name} {status}" for status in ("interrupted", "pending")]
    return [
        *(f"calls {name}", f"saved call of {name} pending", *(asked if approved else ())),
        *(f"{name} executing", f"updated call of {name} executing"),
        *(f"{name} completed", f"updated call of {name} completed"),
    ]


def said(*texts: str) -> list[str]:
    return [words for text in texts for words in (f"says {text}", f"saved {text}")]


DAY = Counter(
    [
        *(f"saved {text}" for text in ("one", "two", "three")),
        *said("I go: one", "seen sky, seen sea", "I go: two", "shredded bill, seen bin", "nothing"),
        *call_of("look"),
        *call_of("look"),
        *call_of("look"),
        *call_of("shred", approved=True),
        *(f"saved {result}" for result in ("seen sky", "seen sea", "seen bin", "shredded bill")),
        *(*["is running"] * 4, *["is idle"] * 3, "is interrupted", "approval.requested", "approval.decided"),
        *["agent_shutdown"] * 2,
    ]
)


@pytest.mark.parametrize("seed", [1, 2, 9])
async def test_a_day_behind_a_bad_network_leaves_each_row_and_event_once(
    agent_env: Any, store: Store, seed: int
) -> None:
    flaky = FlakyStore(store, seed=seed, fails=FAILS, repeats=REPEATS)
    async with agent_env(desk(), store=flaky) as env:
        agent_id = env.id()
        await day(server_of(env), agent_id)
        await flaky.laid()
    assert min(flaky.seen["before"] + flaky.seen["after"], flaky.seen["twice"] + flaky.seen["late"]) > 0
    events, rows = await store.events(agent_id), await store.rows(agent_id)
    assert told(events) == DAY, (DAY - told(events), told(events) - DAY)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    shown: list[Any] = [(event.data, event.id) for event in events if event.type == "display_message_saved"]
    assert [(row.id, row.number) for row in rows] == [(data["row"]["id"], number) for data, number in shown]
    assert {row.status for row in rows} == {RowStatus.COMPLETED}
