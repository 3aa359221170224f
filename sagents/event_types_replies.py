"""Events of a model's reply and of the calls it asks for (B-101)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import JsonValue

from sagents.events import EventData
from sagents.messages import Message, TokenUsage
from sagents.ports import Delta

STEP = "the model step"
CALL = "the tool call, or the step that refuses it"


class AfterMiddlewareState(EventData):
    """A model is about to be asked: what it gets, with long texts cut off. For debuggers (B-102)."""

    type: ClassVar[str] = "after_middleware_state"
    live: ClassVar[bool] = True
    by: ClassVar[str] = STEP

    message_count: int
    system_prompt: str = ""
    tools: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    """The names in the state's metadata."""


class LlmDeltas(EventData):
    """A model streams its reply. Provisional: `llm_message` with the same `stream_id` says what counts.

    A higher `attempt` begins the text anew; what comes of a lower one is dropped.
    """

    type: ClassVar[str] = "llm_deltas"
    live: ClassVar[bool] = True
    by: ClassVar[str] = STEP

    deltas: tuple[Delta, ...]
    stream_id: str = ""
    attempt: int = 1


class LlmMessage(EventData):
    """A reply is whole, or is all that there is of one that broke off: its `status` says so."""

    type: ClassVar[str] = "llm_message"
    by: ClassVar[str] = STEP

    message: Message
    stream_id: str | None = None


class LlmTokenUsage(EventData):
    """What the reply took, as its provider counted."""

    type: ClassVar[str] = "llm_token_usage"
    by: ClassVar[str] = STEP

    usage: TokenUsage


class LlmError(EventData):
    """One attempt at a reply failed. Without `will_retry` this model is not asked again; a fallback may be."""

    type: ClassVar[str] = "llm_error"
    by: ClassVar[str] = STEP

    model: str
    error: str
    stream_id: str = ""
    attempt: int
    will_retry: bool


class ToolCallIdentified(EventData):
    """A reply asks for this call. Whether it will run is not known yet."""

    type: ClassVar[str] = "tool_call_identified"
    by: ClassVar[str] = STEP

    call_id: str
    name: str
    display_text: str | None = None
    arguments: Mapping[str, JsonValue] | str = {}
    """A text is what the model wrote where it should have been an object."""
    status: str = "complete"


class ToolExecutionUpdate(EventData):
    """A call begins, gets on (`progress`), ends, waits for a person (`interrupted`) or was given up (`cancelled`).

    `result` is a text, or of an interrupted call what it waits for.
    """

    type: ClassVar[str] = "tool_execution_update"
    by: ClassVar[str] = CALL

    status: Literal["executing", "completed", "failed", "interrupted", "cancelled"]
    call_id: str
    name: str = ""
    display_text: str | None = None
    arguments: Mapping[str, JsonValue] | str | None = None
    result: str | Mapping[str, JsonValue] | None = None
    error: str | None = None
    progress: str | None = None
    data: Mapping[str, JsonValue] | None = None
    """What a tool says besides its `progress`."""


REPLIES: tuple[type[EventData], ...] = (
    AfterMiddlewareState,
    LlmDeltas,
    LlmMessage,
    LlmTokenUsage,
    LlmError,
    ToolCallIdentified,
    ToolExecutionUpdate,
)
