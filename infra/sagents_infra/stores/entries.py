"""What a store keeps of events, rows, cards and of what waits for people, as the texts that it keeps."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from sagents.cards import AgentCard
from sagents.display import DisplayMessage
from sagents.errors import Damaged
from sagents.events import Event
from sagents.ports import News, PendingInterrupt


def entry_of(news: News, number: int) -> str:
    """An event as it stands in the log, with the id it has there."""
    return _text_of(news.event.but(id=number))


def event_of(agent_id: str, entry: str) -> Event:
    """The event that an entry of the log holds."""
    try:
        return Event.model_validate_json(entry)
    except ValidationError as error:
        raise Damaged(f"An event of {agent_id!r} cannot be read: {error.error_count()} problems.") from None


def row_entry(row: DisplayMessage, number: int, before: str | None) -> str:
    """A row as it stands in the transcript, told by event `number`; `before` is what stood there, if anything did."""
    if before is not None:
        there = DisplayMessage.model_validate_json(before)
        return _text_of(row.but(number=there.number, at=there.at))
    return _text_of(row.but(number=number))


def row_of(agent_id: str, entry: str) -> DisplayMessage:
    """The row that an entry of the transcript holds."""
    try:
        return DisplayMessage.model_validate_json(entry)
    except ValidationError as error:
        raise Damaged(f"A row of {agent_id!r} cannot be read: {error.error_count()} problems.") from None


def card_after(before: str | None, card: str) -> str:
    """A card as it is kept where another one was."""
    there = None if before is None else AgentCard.model_validate_json(before)
    return AgentCard.model_validate_json(card).instead_of(there).model_dump_json()


class Waiting(NamedTuple):
    """An interrupt that waits, with its place in line: when it was made, if it says so, else in which order it came."""

    number: int
    created_at: float | None
    agent_id: str
    body: str

    @classmethod
    def of(cls, agent_id: str, body: str, number: int) -> "Waiting":
        return cls(number, _created_at(body), agent_id, body)


def in_line(waiting: Iterable[Waiting]) -> tuple[PendingInterrupt, ...]:
    """Oldest first; those that do not say when they were made come last."""
    line = sorted(waiting, key=lambda one: (one.created_at is None, one.created_at or 0.0, one.number))
    return tuple(PendingInterrupt(agent_id=one.agent_id, interrupt=one.body) for one in line)


def arrived(bodies: Sequence[str], waiting: Iterable[Waiting]) -> tuple[str, ...]:
    """Those of `bodies` that do not wait yet, each once, in their order. Who waits already keeps its place."""
    known = {one.body for one in waiting}
    return tuple(body for body in dict.fromkeys(bodies) if body not in known)


def asked(bodies: Iterable[str]) -> set[str]:
    """The ids of these interrupts, as far as they say."""
    return {asking.id for body in bodies if isinstance((asking := _asking(body)).id, str)}


class _Asking(BaseModel):
    """What a store asks of an interrupt, which stands for itself or inside of an `InboxItem`."""

    id: Any = None
    created_at: datetime | None = None
    interrupt: "_Asking | None" = None


def _asking(body: str) -> _Asking:
    try:
        found = _Asking.model_validate_json(body)
    except ValidationError:
        return _Asking()
    return found.interrupt or found


def _created_at(body: str) -> float | None:
    made = _asking(body).created_at
    if made is None:
        return None
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()


def _text_of(value: BaseModel) -> str:
    try:
        return value.model_dump_json()
    except PydanticSerializationError:  # half of a surrogate pair, as a tool leaves that cuts an emoji in two
        text = json.dumps(value.model_dump(mode="json"), ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()
