"""How many tokens a conversation takes: as the provider counted it, else estimated (B-58)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from pydantic_core import to_json

from sagents.messages import ContentPart, Message, PartType

MEDIA = frozenset({PartType.IMAGE, PartType.IMAGE_URL, PartType.FILE, PartType.FILE_URL})
TEXTS = frozenset({PartType.TEXT, PartType.THINKING})
PER_MESSAGE, PER_CALL, PER_MEDIUM, PER_OTHER_PART = 4, 10, 1000, 10


def tokens_of(messages: Sequence[Message], since: int = 0) -> int:
    """What the next model call will read.

    The newest reply from place `since` on whose usage is known tells, the system prompt and the tools included; only
    what was said after it is estimated.
    """
    for place in range(len(messages) - 1, since - 1, -1):
        usage = messages[place].usage
        if usage and usage.input:
            return usage.total + estimate(messages[place + 1 :])
    return estimate(messages)


def estimate(messages: Iterable[Message]) -> int:
    """About as many tokens as these messages are."""
    return sum(_of_message(message) for message in messages)


def _of_message(message: Message) -> int:
    calls = sum(
        PER_CALL + _of_text(call.name) + _of_text(to_json(call.arguments).decode()) for call in message.tool_calls
    )
    results = sum(PER_CALL + _of(result.content) + _of(result.note) for result in message.tool_results)
    return PER_MESSAGE + _of(message.content) + calls + results


def _of(content: str | tuple[ContentPart, ...] | None) -> int:
    if content is None or isinstance(content, str):
        return _of_text(content or "")
    return sum(map(_of_part, content))


def _of_part(part: ContentPart) -> int:
    if part.type in MEDIA:
        return PER_MEDIUM
    return _of_text(part.content) if part.type in TEXTS else PER_OTHER_PART


def _of_text(text: str) -> int:
    """The mean of two rules of thumb: 1.3 tokens a word, four characters a token."""
    return (ceil(len(text.split()) * 1.3) + ceil(len(text) / 4)) // 2
