"""Messages as people see them: one message makes several rows (B-107).

    {thinking, "Let me look.", search("x"), search("y")}  ─▶  msg.0 thinking   msg.1 text   call_0   call_1

The ids of rows come from the message and its calls, so that whoever shows the same message again repeats nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from sagents.display import ContentType, DisplayMessage, MessageType, RowStatus
from sagents.messages import ContentPart, Message, MessageStatus, PartType, ToolCall

_KINDS = {
    PartType.TEXT: ContentType.TEXT,
    PartType.THINKING: ContentType.THINKING,
    PartType.IMAGE: ContentType.IMAGE,
    PartType.IMAGE_URL: ContentType.IMAGE,
    PartType.FILE: ContentType.FILE_REFERENCE,
    PartType.FILE_URL: ContentType.FILE_REFERENCE,
}
"""What each part is shown as; a part that we cannot read is not shown."""

Content = str | tuple[ContentPart, ...] | None


@dataclass(frozen=True)
class Showing:
    """Makes rows of messages; `texts` are what people read for a tool's name."""

    at: datetime
    run_id: str | None = None
    texts: Mapping[str, str] | None = None

    def reply(self, message: Message, key: str) -> tuple[DisplayMessage, ...]:
        """The rows of what an assistant said: thinking, text, then its calls. `key` is the message's name.

        Why it ended as it did stands on the last one only (B-107, E-72).
        """
        rows = [*self._parts(message.content, key, MessageType.ASSISTANT)]
        rows += [self.call(call, len(rows) + number) for number, call in enumerate(message.tool_calls)]
        if not rows:
            return ()
        rows = [row.but(metadata={"stream_id": key}) for row in rows]
        return (*rows[:-1], rows[-1].but(metadata={**rows[-1].metadata, **_stopped(message)}))

    def said(self, message: Message, key: str | None = None) -> tuple[DisplayMessage, ...]:
        """The rows of what a user said, as doors have made it; of several messages in one, each one's own (B-105).

        `key` names a message that has no id.
        """
        return tuple(row for one in spoken(message, key) for row in self._parts(one.content, one.key, MessageType.USER))

    def call(self, call: ToolCall, sequence: int) -> DisplayMessage:
        """The row of a tool call that has yet to begin (B-108)."""
        text = call.display_text or (self.texts or {}).get(call.name)
        content: dict[str, JsonValue] = {"call_id": call.call_id, "name": call.name, "arguments": call.arguments}
        return self.row(
            call.call_id,
            MessageType.ASSISTANT,
            ContentType.TOOL_CALL,
            {**content, "display_text": text} if text else content,
            status=RowStatus.PENDING,
            sequence=sequence,
            tool_call_id=call.call_id,
        )

    def row(
        self,
        id: str,
        message_type: MessageType,
        content_type: ContentType,
        content: Mapping[str, JsonValue],
        **more: Any,
    ) -> DisplayMessage:
        """One row."""
        return DisplayMessage(
            id=id,
            message_type=message_type,
            content_type=content_type,
            content=content,
            at=self.at,
            run_id=self.run_id,
            **more,
        )

    def _parts(self, content: Content, key: str, whose: MessageType) -> Iterable[DisplayMessage]:
        parts = (ContentPart(content=content),) if isinstance(content, str) else content or ()
        shown = [part for part in parts if part.type in _KINDS and part.content.strip()]
        for number, part in enumerate(shown):
            yield self.row(f"{key}.{number}", whose, _KINDS[part.type], _content(part), sequence=number)


@dataclass(frozen=True)
class Spoken:
    """One message of a user: its name, and what people see of it."""

    key: str
    content: Content


def spoken(message: Message, key: str | None = None) -> tuple[Spoken, ...]:
    """The messages that a user's message is made of: itself, or those that waited together and are one now (B-74).

    What a door wants shown in the place of what the model reads stands in the metadata.
    """
    ids, notes, shown = (message.metadata.get(name) for name in ("merged", "said", "display"))
    if isinstance(message.content, tuple) and isinstance(notes, list):
        return _noted(message.content, notes, key or message.id or "")
    if isinstance(message.content, tuple) and isinstance(ids, list) and len(ids) == len(message.content):
        return tuple(Spoken(str(id), (part,)) for id, part in zip(ids, message.content, strict=True))
    return (Spoken(message.id or key or "", message.content if shown is None else _displayed(shown)),)


def _noted(parts: tuple[ContentPart, ...], notes: list[JsonValue], key: str) -> tuple[Spoken, ...]:
    found: list[Spoken] = []
    for number, note in enumerate(note for note in notes if isinstance(note, Mapping)):
        count, shown = note.get("parts"), note.get("display")
        own, parts = parts[: _count(count)], parts[_count(count) :]
        name = str(note.get("id") or f"{key}-{number}")
        found.append(Spoken(name, own if shown is None else _displayed(shown)))
    return tuple(found)


def _count(given: JsonValue) -> int:
    return given if isinstance(given, int) else 1


def _displayed(shown: JsonValue) -> Content:
    """What a door wants shown; an empty text is nothing at all (E-64)."""
    if isinstance(shown, list | tuple):
        return tuple(ContentPart.model_validate(part) for part in shown)
    return str(shown)


def _content(part: ContentPart) -> dict[str, JsonValue]:
    if part.type in (PartType.TEXT, PartType.THINKING):
        return {"text": part.content}
    return {"type": str(part.type), "content": part.content, **part.options}


def _stopped(message: Message) -> dict[str, JsonValue]:
    """Why a reply ended before its end."""
    if message.status is MessageStatus.COMPLETE:
        return {}
    details = message.metadata.get("stop_details") or message.metadata.get("streaming_error")
    return {"stop_reason": str(message.status), **({"stop_details": details} if details else {})}
