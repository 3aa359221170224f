"""What a tool or a hook may answer with, besides plain values: the words in which user code speaks to a run."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue
from pydantic.dataclasses import dataclass

from sagents.interrupts import Raised
from sagents.messages import ContentPart
from sagents.state import StateDelta


@dataclass(frozen=True)
class ToolResult:
    """A tool's answer in full (B-15): `content` is for the model, `artifacts` for programs, `state` is merged.

    The result that a conversation keeps is `sagents.messages.ToolResult`.
    """

    content: str | tuple[ContentPart, ...] | JsonValue = ""
    state: StateDelta | None = None
    artifacts: JsonValue = None
    is_error: bool = False


@dataclass(frozen=True)
class Pause:
    """Ends the run for now; `resume` goes on with it (B-12)."""

    cause: str | None = None


class ModelRetry(Exception):
    """Raised by a tool: the model reads the text as an error result at once, and may call again."""


class RaiseInterrupt(Exception):
    """Raised by a tool or a hook: the run waits until a person has answered."""

    def __init__(
        self,
        message: str = "",
        *,
        reason: str = "input_required",
        data: Mapping[str, JsonValue] | None = None,
        allowed_decisions: Sequence[str] = ("approve", "reject", "respond"),
    ) -> None:
        if reason == "tool_call":
            raise ValueError('The reason "tool_call" is for approvals: `@tool(approval=ask())` asks before a call.')
        self.raised = Raised(
            reason=reason, message=message, data=dict(data or {}), allowed_decisions=tuple(allowed_decisions)
        )
        super().__init__(message)
