"""What a stream of server-sent events tells, and what it keeps to itself."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from sagents.events import Event
from sagents_infra.http.streaming import stream, told

pytestmark = pytest.mark.asyncio


async def test_prompts_are_told_to_no_browser() -> None:
    """As by WebSocket: the event for debuggers has what the application tells its model."""
    at = datetime.now(UTC)
    prompt = Event(agent_id="a", type="after_middleware_state", at=at, data={"system_prompt": "the house's secret"})
    stored = Event(agent_id="a", type="llm_message", at=at, id=3)
    text = await streamed(prompt, stored, prompt)
    assert "secret" not in text
    assert "after_middleware_state" not in text
    assert text.count("id: 3\n") == 1


async def test_what_breaks_a_stream_is_in_the_log_and_ends_it() -> None:
    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        raise RuntimeError("the store is gone")

    sent: list[MutableMapping[str, Any]] = []
    with capture_logs() as logs:
        await stream(broken(), 10, stays, taking(sent))
    assert [message.get("body") for message in sent[1:]] == [b"data: 1\n\n", b""]
    assert [(entry["event"], str(entry["exc_info"])) for entry in logs] == [("a stream broke off", "the store is gone")]


async def streamed(*events: Event) -> str:
    """All that is sent until there is nothing more to watch."""
    sent: list[MutableMapping[str, Any]] = []

    async def watch(*_: object, **__: object) -> AsyncIterator[Event]:
        for one in events:
            yield one

    desk: Any = SimpleNamespace(server=SimpleNamespace(watch=watch))
    await stream(told(desk, "a", 0), 10, stays, taking(sent))
    return b"".join(message.get("body", b"") for message in sent).decode()


async def stays() -> MutableMapping[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError("the client stays")


def taking(sent: list[MutableMapping[str, Any]]) -> Callable[[MutableMapping[str, Any]], Awaitable[None]]:
    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    return send
