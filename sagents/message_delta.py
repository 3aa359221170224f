"""Fragments of a reply while a model streams it (B-144). They merge in order and end as one `Message`."""

import json
from typing import Self

from pydantic import JsonValue

from sagents.frozen import Frozen
from sagents.messages import ContentPart, Message, MessageStatus, PartType, TokenUsage, ToolCall


class MessageDelta(Frozen):
    """A piece of a reply. Call fragments belong together by `index`; their arguments are pieces of JSON text."""

    parts: tuple[ContentPart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    usage: TokenUsage | None = None
    status: MessageStatus | None = None
    """How the reply ended; None while it goes on."""

    @classmethod
    def text(cls, content: str) -> Self:
        return cls(parts=(ContentPart(content=content),))

    @classmethod
    def thinking(cls, content: str) -> Self:
        return cls(parts=(ContentPart(type=PartType.THINKING, content=content),))

    def merge(self, later: "MessageDelta") -> "MessageDelta":
        """Both as one fragment, `later` after this one. Token counts are readings of one reply: the larger holds."""
        usage = self.usage.advance(later.usage) if self.usage and later.usage else later.usage or self.usage
        return MessageDelta(
            parts=_joined(self.parts, later.parts),
            tool_calls=_gathered(self.tool_calls, later.tool_calls),
            usage=usage,
            status=later.status or self.status,
        )

    def to_message(self) -> Message:
        """The reply so far. One that has no end yet was cut off: its status is cancelled, its calls are incomplete."""
        ended = self.status is not None
        return Message.assistant(
            _content(self.parts),
            tool_calls=tuple(_complete(call, ended) for call in self.tool_calls),
            usage=self.usage,
            status=self.status or MessageStatus.CANCELLED,
        )


def _joined(left: tuple[ContentPart, ...], right: tuple[ContentPart, ...]) -> tuple[ContentPart, ...]:
    """Text goes on in the part before it, thinking too; other parts stand alone."""
    for part in right:
        last = left[-1] if left else None
        if last and last.type is part.type and part.type in (PartType.TEXT, PartType.THINKING):
            whole = last.but(content=last.content + part.content, options={**last.options, **part.options})
            left = (*left[:-1], whole)
        else:
            left = (*left, part)
    return left


def _gathered(left: tuple[ToolCall, ...], right: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    calls = list(left)
    for fragment in right:
        known = [call.index for call in calls]
        if fragment.index is None or fragment.index not in known:
            calls.append(fragment)
        else:
            place = known.index(fragment.index)
            calls[place] = _grown(calls[place], fragment)
    return tuple(calls)


def _grown(call: ToolCall, more: ToolCall) -> ToolCall:
    texts = isinstance(call.arguments, str) and isinstance(more.arguments, str)
    return call.but(
        call_id=call.call_id or more.call_id,
        name=call.name or more.name,
        arguments=f"{call.arguments}{more.arguments}" if texts else more.arguments or call.arguments,
        display_text=more.display_text or call.display_text,
        metadata={**call.metadata, **more.metadata},
    )


def _complete(call: ToolCall, ended: bool) -> ToolCall:
    """The call with its arguments read, where they are a JSON object by now; else they stay as they came (E-18)."""
    arguments = _object(call.arguments) if isinstance(call.arguments, str) else call.arguments
    return call.but(arguments=arguments, index=None, status="complete" if ended else "incomplete")


def _object(text: str) -> dict[str, JsonValue] | str:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def _content(parts: tuple[ContentPart, ...]) -> str | tuple[ContentPart, ...] | None:
    """Plain text as a string, which is how most replies are kept; anything more as parts; nothing as None."""
    match parts:
        case ():
            return None
        case (ContentPart(type=PartType.TEXT, options=options) as only,) if not options:
            return only.content
        case _:
            return parts
