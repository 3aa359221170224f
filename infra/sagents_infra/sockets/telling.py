"""Events on their way to one browser: what does not fit into a message, and the log in pages."""

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial

from sagents.client.snapshots import as_it_is
from sagents.client.watching import Log
from sagents.event_types_life import Reset, Snapshot
from sagents.events import Event
from sagents_infra.channels.frames import ROOM, Frame, frames
from sagents_infra.http.desk import Desk


def told(events: Iterable[Event]) -> tuple[Frame, ...]:
    """The messages that tell these events. A `reset` is never left out, but may come without what people saw."""
    return frames(map(_fitting, events))


async def pages(desk: Desk, agent_id: str, after: int) -> AsyncIterator[tuple[Sequence[Event], int]]:
    """What the log has after an event, page by page, each with the id of its last; ends where the log does."""
    log = Log(desk.store, agent_id, partial(as_it_is, desk.line, desk.store))
    await log.begin(after)
    while page := await log.read():
        yield page, log.seen


def _fitting(event: Event) -> Event:
    """A snapshot has the newest rows, which are often too long; GET …/messages has them, too."""
    if event.type != Reset.type or len(event.model_dump_json().encode()) <= ROOM:
        return event
    reset = Reset.model_validate(event.data)
    short = Snapshot(position=reset.snapshot.position, status=reset.snapshot.status)
    return event.but(data=reset.but(snapshot=short).model_dump(mode="json"))
