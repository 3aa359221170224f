"""Pieces of one reply as one event: channels carry each event by itself, and models stream in very small pieces."""

from collections.abc import Iterable

from pydantic import JsonValue

from sagents.event_types_replies import LlmDeltas
from sagents.events import Event


def gathered(events: Iterable[Event]) -> list[Event]:
    """The events in their order, of which deltas side by side that belong to one attempt are joined."""
    told: list[Event] = []
    for event in events:
        if told and _go_on(told[-1], event):
            told[-1] = told[-1].but(data={**event.data, "deltas": [*_pieces(told[-1]), *_pieces(event)]})
        else:
            told.append(event)
    return told


def _go_on(before: Event, event: Event) -> bool:
    return event.type == before.type == LlmDeltas.type and _belongs(before) == _belongs(event)


def _belongs(event: Event) -> tuple[object, ...]:
    return event.sub_agent_id, event.path, event.data.get("stream_id"), event.data.get("attempt")


def _pieces(event: Event) -> list[JsonValue]:
    pieces = event.data.get("deltas")
    return pieces if isinstance(pieces, list) else []
