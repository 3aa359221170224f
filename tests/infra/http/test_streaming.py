"""What a stream of server-sent events tells, and what it keeps to itself."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

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


async def streamed(*events: Event) -> str:
    """All that is sent until there is nothing more to watch."""
    sent: list[MutableMapping[str, Any]] = []

    async def watch(*_: object, **__: object) -> AsyncIterator[Event]:
        for one in events:
            yield one

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("the client stays")

    desk: Any = SimpleNamespace(server=SimpleNamespace(watch=watch))
    await stream(told(desk, "a", 0), 10, receive, send)
    return b"".join(message.get("body", b"") for message in sent).decode()
