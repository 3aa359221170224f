"""What people see of a conversation: rows that outlive summaries, resets and sleep (B-105).

The state is what the model sees; it may be summarised. Rows are only added, and change by their status alone.
"""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import AwareDatetime, Field, JsonValue

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
