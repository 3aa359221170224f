"""A browser that reads slowly: what waits for it, what it loses, what it never loses."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sagents.connections import Connection
from sagents.display import DisplayMessage, MessageType
from sagents.event_types_life import Reset, Snapshot
from sagents.events import Event
from sagents.principal import Principal
from sagents.status import Status
from sagents_infra.channels.frames import LONGEST
from sagents_infra.sockets.feeding import Feed
from sagents_infra.sockets.telling import told
from sagents_infra.sockets.waiting import MOST, Waiting
from tests.support.browser import Browser

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(id: int | None, type: str = "llm_deltas", **data: Any) -> Event:
    return Event(agent_id="a", type=type, at=NOON, id=id, data=data)


@pytest.mark.asyncio
async def test_a_reader_that_stands_still_loses_tokens_and_no_stored_event() -> None:
    """B-131: stored events come all and in order, however slow the reader is."""
    total, offered, reading = 3 * MOST, list[int](), asyncio.Event()

    async def watch(agent_id: str, after: int) -> AsyncIterator[Event]:
        for number in range(after + 1, total + 1):
            offered.append(number)
            yield event(number, "node_transition")
            for _ in range(5):
                yield event(None)
        await asyncio.Event().wait()

    async def send(message: bytes) -> None:
        await reading.wait()
        browser.heard(json.loads(message))

    async def nothing(_: str) -> None:
        raise AssertionError("a browser that only listens")

    async def known() -> Connection:
        now = datetime.now(UTC)
        return Connection(id="c1", who=Principal("ann"), until=now + timedelta(minutes=1))

    browser = Browser(nothing)
    feed = Feed(cast(Any, SimpleNamespace(server=SimpleNamespace(watch=watch))), "a", "7", known, send)
    feed.start(after=0)
    for _ in range(20 * total):
        await asyncio.sleep(0)
    assert len(offered) > MOST
    assert len(offered) < total  # it stopped to read the log, too: what waits has a bound
    reading.set()
    await browser.until(lambda me: me.last == total)
    await feed.close()
    assert browser.ids == list(range(1, total + 1))
    assert 0 < len(browser.tokens) < 5 * total


@pytest.mark.asyncio
async def test_what_waits_is_taken_in_its_order_and_tokens_alone_are_gathered() -> None:
    waiting = Waiting()
    await waiting.put(event(None, part="a"))
    taking = asyncio.create_task(waiting.take())
    await asyncio.sleep(0)
    await waiting.put(event(None, part="b"))
    assert [one.data for one in await taking] == [{"part": "a"}, {"part": "b"}]
    await waiting.put(event(None))
    await waiting.put(event(1))
    await waiting.put(event(None))
    assert [one.id for one in await waiting.take()] == [None, 1, None]


@pytest.mark.asyncio
async def test_a_reset_waits_as_what_is_stored_does() -> None:
    waiting = Waiting(most=1)
    await waiting.put(event(None))
    await waiting.put(event(None))  # no room
    await waiting.put(event(None, "reset"))
    assert [one.type for one in await waiting.take()] == ["llm_deltas", "reset"]


def test_a_reset_with_a_long_transcript_comes_without_it() -> None:
    rows = tuple(
        DisplayMessage(id=f"m{number}", message_type=MessageType.USER, content={"text": "x" * 1_000}, at=NOON)
        for number in range(50)
    )
    reset = Reset(first=7, snapshot=Snapshot(position=9, status=Status.IDLE, rows=rows))
    (frame,) = told([event(None, "reset", **reset.model_dump(mode="json"))])
    assert len(frame.data) <= LONGEST
    (shown,) = json.loads(frame.data)["events"]
    assert Reset.model_validate(shown["data"]) == reset.but(snapshot=Snapshot(position=9, status=Status.IDLE))
