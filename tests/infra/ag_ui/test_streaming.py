"""Bytes for HTTP, and streams in which nothing happens for a while."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from ag_ui.core import CustomEvent

from sagents.errors import CannotAnswer, InvalidInput
from sagents.events import Event
from sagents_infra.ag_ui import sse
from sagents_infra.ag_ui.following import Following
from sagents_infra.ag_ui.runs import Told
from sagents_infra.ag_ui.streaming import event_id, with_silence
from tests.infra.ag_ui.logs import AGENT, NOW

pytestmark = pytest.mark.asyncio


async def test_a_body_that_is_no_request_is_refused_before_the_first_byte() -> None:
    nobody: Any = None
    with pytest.raises(InvalidInput):
        await anext(sse(nobody, b"{}"))


@pytest.mark.parametrize(
    ("header", "id"),
    [("12", 12), ("0", 0), (None, None), ("", None), ("twelve", None), ("²", None), ("9" * 5_000, None)],
)
async def test_a_header_that_names_no_event_counts_as_none(header: str | None, id: int | None) -> None:
    assert event_id(header) == id


async def test_silence_is_told_and_ends_nothing() -> None:
    """What lies between a page and its agent closes connections that say nothing."""
    speak, closed = asyncio.Event(), []
    one = Told(CustomEvent(name="x", value=1), 7)

    async def slow() -> AsyncGenerator[Told, None]:
        try:
            await speak.wait()
            yield one
        finally:
            closed.append(True)

    async with aclosing(with_silence(slow(), within=0.01)) as told:
        assert await anext(told) is None
        assert await anext(told) is None
        speak.set()
        heard = [some async for some in told]
    assert [some for some in heard if some] == [one]
    assert closed == [True]


def event(id: int | None) -> Event:
    return Event(agent_id=AGENT, type="said", at=NOW, id=id)


async def test_who_follows_hears_from_the_beginning_and_of_silence() -> None:
    more = asyncio.Event()

    async def some() -> AsyncGenerator[Event, None]:
        for id in (4, None, 5):
            yield event(id)
        await more.wait()

    async with Following(some()) as events:
        assert [(await events.hear()) == event(id) for id in (4, None, 5)] == [True] * 3
        assert events.seen == 5
        assert await events.hear(0.01) is None
        more.set()
        with pytest.raises(CannotAnswer, match="broke off"):
            await events.hear()
