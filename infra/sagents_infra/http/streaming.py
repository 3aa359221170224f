"""Events as they happen, by server-sent events (`text/event-stream`): stored ones with their ids, and token deltas.

A browser's `EventSource` that lost its connection comes back with `Last-Event-ID` and misses nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import structlog

from sagents.events import Event
from sagents_infra.channels.frames import HIDDEN
from sagents_infra.http.desk import Desk
from sagents_infra.http.gateway import Receive, Send, begin

log = structlog.get_logger(__name__)

BEAT = timedelta(seconds=15)
"""A stream that is silent so long says that it is there: else something between would end it."""

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def stream(chunks: AsyncGenerator[bytes, None], ends_in: float | None, receive: Receive, send: Send) -> None:
    """Send them until the client goes, or `ends_in` seconds are over: then its token is."""
    await begin(send, 200, HEADERS)
    gone = asyncio.create_task(_gone(receive))
    sending = asyncio.create_task(_send(chunks, send))
    try:
        await asyncio.wait({gone, sending}, timeout=ends_in, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (gone, sending):
            task.cancel()
        _, ended = await asyncio.gather(gone, sending, return_exceptions=True)
    if isinstance(ended, Exception):
        log.error("a stream broke off", exc_info=ended)
    await send({"type": "http.response.body", "body": b""})


async def _send(chunks: AsyncGenerator[bytes, None], send: Send) -> None:
    async with aclosing(chunks):
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def told(desk: Desk, agent_id: str, after: int) -> AsyncGenerator[bytes, None]:
    """What happens to an agent, as long as somebody reads it."""
    async with aclosing(desk.server.watch(agent_id, after=after)) as watched, aclosing(_with_beats(watched)) as texts:
        async for text in texts:
            yield text.encode()


async def _with_beats(watched: AsyncIterator[Event]) -> AsyncGenerator[str, None]:
    yield ": it begins\n\n"
    following = asyncio.ensure_future(anext(watched, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=BEAT.total_seconds())
            if not done:
                yield ": still here\n\n"
                continue
            if (event := following.result()) is None:
                return
            if event.type not in HIDDEN:
                yield written(event)
            following = asyncio.ensure_future(anext(watched, None))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def written(event: Event) -> str:
    """An event as the stream has it. JSON has no line breaks of its own, so one `data` line is enough."""
    number = "" if event.id is None else f"id: {event.id}\n"
    return f"{number}event: {event.type}\ndata: {event.model_dump_json()}\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
