"""Runs of AG-UI over HTTP, as Server-Sent Events: whatever serves HTTP sends these bytes (`text/event-stream`)."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from ag_ui.encoder import EventEncoder

from sagents.client import AgentServer
from sagents.principal import Principal
from sagents_infra.ag_ui.requests import read
from sagents_infra.ag_ui.runs import Told, tell

EVENT_ID = re.compile(r"[0-9]{1,18}")
KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent: what lies between ends connections that say nothing."""


async def sse(
    server: AgentServer,
    body: bytes | str,
    *,
    agent: str | None = None,
    agent_id: str | None = None,
    scope: Mapping[str, Any] | None = None,
    principal: Principal | None = None,
    last_event_id: str | None = None,
) -> AsyncGenerator[bytes, None]:
    """The response to a POST of `RunAgentInput`; parameters are those of `run`, `last_event_id` the header's value.

    A body that is none raises `InvalidInput` before the first byte; a header that no event's id can be counts as none.
    """
    after = event_id(last_event_id)
    request, encoder = read(body), EventEncoder()
    told = tell(server, request, agent=agent, agent_id=agent_id, scope=scope, principal=principal, after=after)
    async with aclosing(with_silence(told)) as events:
        async for one in events:
            yield _encoded(one, encoder)


def event_id(header: str | None) -> int | None:
    """The id that `Last-Event-ID` names; None where it names none."""
    return int(header) if header and EVENT_ID.fullmatch(header) else None


async def with_silence(
    told: AsyncGenerator[Told, None], within: float = KEEP_ALIVE
) -> AsyncGenerator[Told | None, None]:
    """The same, and None whenever nothing was told for a while."""
    following = asyncio.ensure_future(anext(told, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=within)
            one = following.result() if done else None
            if done and one is None:
                return
            yield one
            if done:
                following = asyncio.ensure_future(anext(told, None))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await told.aclose()


def _encoded(one: Told | None, encoder: EventEncoder) -> bytes:
    if one is None:
        return b": nothing new\n\n"
    data = encoder.encode(one.event)
    return (data if one.id is None else f"id: {one.id}\n{data}").encode()
