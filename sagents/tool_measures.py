"""Telemetry of tool calls (L-67)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sagents import telemetry
from sagents.clipping import clipped
from sagents.measuring import milliseconds
from sagents.messages import ToolCall
from sagents.plan import CallResult
from sagents.surroundings import Surroundings


@dataclass
class ToolMeasures:
    """Tells that a tool begins to work on a call, and what came of it; made as it begins."""

    around: Surroundings
    call: ToolCall
    attempt: int
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.around.now()
        self.around.measure(telemetry.TOOL_START, **self._about)

    def ended(self, outcome: CallResult) -> CallResult:
        """The outcome again."""
        self._stopped(**outcome_of(outcome))
        return outcome

    def cancelled(self) -> None:
        self._stopped(status="cancelled")

    def _stopped(self, **what: Any) -> None:
        took = milliseconds(self.began, self.around.now())
        self.around.measure(telemetry.TOOL_STOP, **self._about, **what, **took)

    @property
    def _about(self) -> dict[str, Any]:
        return {"tool": self.call.name, "tool_call_id": self.call.call_id, "attempt": self.attempt}


def outcome_of(outcome: CallResult) -> dict[str, str]:
    """How a call ended, in the words of its live event."""
    if outcome.raised:
        return {"status": "interrupted"}
    if outcome.result.is_error:
        return {"status": "failed", "error": clipped(outcome.result.text)}
    return {"status": "completed"}
