"""Events as messages for browsers, none of them longer than API Gateway takes in one frame.

{"type": "events", "events": [...]}              as many as have room, in their order
{"type": "fetch", "agent_id": "a", "id": 17}     in the place of a stored event that has none: read it from the log
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sagents.events import Event

LONGEST = 32_000
"""Bytes of a message. A frame takes 32 KB, and API Gateway closes a connection over a longer one."""

HEAD, TAIL = b'{"type":"events","events":[', b"]}"
ROOM = LONGEST - len(HEAD) - len(TAIL)


HIDDEN = frozenset({"after_middleware_state"})
"""For debuggers, who watch the agent itself: the whole prompt. Nothing stored is hidden: ids would be missed."""


class Frame(NamedTuple):
    """One message. `is_stored` where its events have ids, by which a browser drops what it gets twice."""

    data: bytes
    is_stored: bool


def frames(events: Iterable[Event]) -> tuple[Frame, ...]:
    """The messages that tell these events. Tokens that have no room are left out: the message that follows has them."""
    return tuple(_frames(events))


def _frames(events: Iterable[Event]) -> Iterator[Frame]:
    batch, size, stored = list[bytes](), 0, True
    for event in events:
        if event.type in HIDDEN:
            continue
        data = event.model_dump_json().encode()
        if batch and size + len(data) > ROOM:
            yield _frame(batch, stored)
            batch, size, stored = [], 0, True
        if len(data) <= ROOM:
            batch.append(data)
            size += len(data) + len(b",")
            stored = stored and event.id is not None
        elif event.id is not None:
            yield Frame(json.dumps({"type": "fetch", "agent_id": event.agent_id, "id": event.id}).encode(), True)
    if batch:
        yield _frame(batch, stored)


def _frame(batch: Sequence[bytes], stored: bool) -> Frame:
    return Frame(HEAD + b",".join(batch) + TAIL, stored)
