"""What people see of a conversation: rows that outlive summaries, resets and sleep (B-105).

The state is what the model sees; it may be summarised. Rows are only added, and change by their status alone.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime, Field, JsonValue
from pydantic_core import to_jsonable_python

from sagents.frozen import Frozen


class MessageType(StrEnum):
    """Who a row comes from."""

    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    SYSTEM = "system"


class ContentType(StrEnum):
    """What a row shows; it says which keys its content has."""

    TEXT = "text"
    THINKING = "thinking"
    IMAGE = "image"
    FILE_REFERENCE = "file_reference"
    STRUCTURED_DATA = "structured_data"
    NOTIFICATION = "notification"
    ERROR = "error"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    TODO_SNAPSHOT = "todo_snapshot"


class RowStatus(StrEnum):
    """The life cycle of a row; all but those of tool calls begin as completed (B-108)."""

    PENDING = "pending"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


class DisplayMessage(Frozen):
    """One row of a transcript. `id` is stable: whoever writes the same row again, after a lost worker, repeats nothing.

    `number` is the id of the event that told of it first, given by the store: rows are ordered and paged by it.
    `sequence` counts the rows of one message.
    """

    id: str
    message_type: MessageType
    content_type: ContentType = ContentType.TEXT
    content: Mapping[str, JsonValue] = Field(default_factory=dict)
    status: RowStatus = RowStatus.COMPLETED
    sequence: int = 0
    tool_call_id: str | None = None
    run_id: str | None = None
    at: AwareDatetime
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
    number: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected to happen to it."""
        return self.status in ENDED

    @property
    def wire(self) -> dict[str, JsonValue]:
        """The row as events and programs have it: every field that has a value, those at their default too."""
        fields = {name: to_jsonable_python(getattr(self, name)) for name in type(self).model_fields}
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def text(self) -> str:
        """What a person reads of it: its words, or what a call is called."""
        found = (self.content.get(name) for name in ("text", "display_text", "name"))
        return next((str(words) for words in found if words), "")


ENDED = frozenset({RowStatus.COMPLETED, RowStatus.FAILED, RowStatus.CANCELLED})


class Change(NamedTuple):
    """A row as it is now, and why: with its status and the cause it names a slot, which is written once."""

    row: DisplayMessage
    cause: str = ""

    @property
    def slot(self) -> str:
        """The place of this change in the log."""
        return f"row:{self.row.id}:{self.row.status}{self.cause and f':{self.cause}'}"
