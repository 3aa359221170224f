"""The durable format of what is said: ours, versioned, never a vendor's message class (DESIGN section 6)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, JsonValue

from sagents.frozen import Frozen


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class MessageStatus(StrEnum):
    """How a message ended (B-140)."""

    COMPLETE = "complete"
    CANCELLED = "cancelled"
    LENGTH = "length"
    CONTENT_FILTERED = "content_filtered"
    STREAM_ERROR = "stream_error"


class PartType(StrEnum):
    """What a part of a message holds (B-141)."""

    TEXT = "text"
    IMAGE = "image"
    IMAGE_URL = "image_url"
    FILE = "file"
    FILE_URL = "file_url"
    THINKING = "thinking"
    UNSUPPORTED = "unsupported"


class ContentPart(Frozen):
    """A piece of content. `content` is text, a URL or base64 by `type`; `options` carry media type, signature, ..."""

    type: PartType = PartType.TEXT
    content: str = ""
    options: Mapping[str, JsonValue] = Field(default_factory=dict)


class ToolCall(Frozen):
    """A model's wish to call a tool (B-142). `arguments` stay a raw string where they are no JSON object (E-18)."""

    call_id: str
    name: str
    arguments: dict[str, JsonValue] | str = Field(default_factory=dict)
    status: str = "complete"
    display_text: str | None = None
    index: int | None = None
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)


class ToolResult(Frozen):
    """What a call came to (B-143). An interrupt's placeholder has `is_interrupt` and its `interrupt_data`."""

    tool_call_id: str
    content: str | tuple[ContentPart, ...] = ""
    name: str | None = None
    display_text: str | None = None
    is_error: bool = False
    is_interrupt: bool = False
    interrupt_data: dict[str, JsonValue] | None = None
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    note: str | None = None
    """What the model is told besides, before the content: that people changed its call. It is no part of the value."""

    @property
    def text(self) -> str:
        """The result as plain text, other parts left out."""
        return text_of(self.content)

    @property
    def text_for_model(self) -> str:
        """The result as a model reads it, in plain text."""
        return "\n\n".join(text for text in (self.note, self.text) if text)


class TokenUsage(Frozen):
    """Tokens that a model call took, as the provider counted them (B-144)."""

    input: int = 0
    output: int = 0
    raw: Mapping[str, JsonValue] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.input + self.output

    def add(self, other: TokenUsage) -> TokenUsage:
        """The sum over two messages; numeric raw figures are added at every depth, others are the newer ones."""
        return self._with(other, operator.add)

    def advance(self, other: TokenUsage) -> TokenUsage:
        """Two readings of one message: providers repeat running totals while they stream, so the larger holds."""
        return self._with(other, max)

    def _with(self, other: TokenUsage, combine: Callable[[Any, Any], Any]) -> TokenUsage:
        return TokenUsage(
            input=combine(self.input, other.input),
            output=combine(self.output, other.output),
            raw=_figures(self.raw, other.raw, combine),
        )


def _figures(
    left: Mapping[str, JsonValue], right: Mapping[str, JsonValue], combine: Callable[[Any, Any], Any]
) -> dict[str, JsonValue]:
    figures = dict(left)
    for key, value in right.items():
        mine = figures.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            figures[key] = _figures(mine, value, combine)
        else:
            figures[key] = combine(mine, value) if _is_count(mine) and _is_count(value) else value
    return figures


def _is_count(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Message(Frozen):
    """One message of a conversation (B-140). Message ids are the kernel's; a model's reply derives its own."""

    role: Role
    content: str | tuple[ContentPart, ...] | None = None
    id: str | None = None
    status: MessageStatus = MessageStatus.COMPLETE
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    usage: TokenUsage | None = None
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)

    @classmethod
    def user(cls, content: str | tuple[ContentPart, ...], **more: Any) -> Self:
        return cls(role=Role.USER, content=content, **more)

    @classmethod
    def assistant(cls, content: str | tuple[ContentPart, ...] | None = None, **more: Any) -> Self:
        return cls(role=Role.ASSISTANT, content=content, **more)

    @classmethod
    def system(cls, content: str, **more: Any) -> Self:
        return cls(role=Role.SYSTEM, content=content, **more)

    @classmethod
    def tool(cls, *results: ToolResult, **more: Any) -> Self:
        return cls(role=Role.TOOL, tool_results=results, **more)

    @property
    def text(self) -> str:
        """What the message says in plain text; thinking, images and files are left out."""
        return text_of(self.content)

    @property
    def had_tool_errors(self) -> bool:
        """Whether a tool of this message failed."""
        return any(result.is_error for result in self.tool_results)

    def with_results(self, change: Callable[[ToolResult], ToolResult]) -> Self:
        """The message with `change` applied to each of its tool results; itself where that changes none."""
        results = tuple(change(result) for result in self.tool_results)
        if all(new is old for new, old in zip(results, self.tool_results, strict=True)):
            return self
        return self.but(tool_results=results)

    def replace_tool_result(self, tool_call_id: str, result: ToolResult) -> Self:
        """The message with `result` in the place of each result of that call; only a tool message has any (T-16)."""
        if self.role is not Role.TOOL:
            return self
        return self.with_results(lambda old: _in_place_of(old, result) if old.tool_call_id == tool_call_id else old)


def _in_place_of(old: ToolResult, new: ToolResult) -> ToolResult:
    """A call's newer result. What the model was told of the call itself still holds."""
    return new.but(note=old.note) if old.note and not new.note else new


def text_of(content: str | tuple[ContentPart, ...] | None) -> str:
    """The plain text of a content."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.content for part in content if part.type is PartType.TEXT)
