"""Why a run waits. An interrupt is made once, by a step or a tool, and decided once."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field, JsonValue

from sagents.decisions import Decision
from sagents.frozen import Frozen


class InterruptStatus(StrEnum):
    """Where an interrupt stands; `pending` is the only open one."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    RESPONDED = "responded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class Interrupt(Frozen):
    """Something a person has to decide. A tool's arguments are not here: they are in the step's record."""

    id: str
    reason: str = "tool_call"
    message: str = ""
    tool_call_id: str | None = None
    tool: str | None = None
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
    allowed_decisions: tuple[str, ...] = ("approve", "reject")
    status: InterruptStatus = InterruptStatus.PENDING
    decision: Decision | None = None
    created_at: datetime | None = None
    problem: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status is InterruptStatus.PENDING

    @property
    def is_gate(self) -> bool:
        """Whether it stands before a tool call (an approval), not after one (a question of the tool's own)."""
        return self.reason == "tool_call"

    def decided(self, decision: Decision) -> "Interrupt":
        return self.but(decision=decision, status=_STATUS_AFTER[decision.type])

    def reopened(self, why: str) -> "Interrupt":
        """Open again, because nobody could do anything with the decision; `problem` tells the next person why."""
        return self.but(decision=None, status=InterruptStatus.PENDING, problem=why)


_STATUS_AFTER = {
    "approve": InterruptStatus.APPROVED,
    "edit": InterruptStatus.EDITED,
    "reject": InterruptStatus.REJECTED,
    "respond": InterruptStatus.RESPONDED,
}


class Raised(Frozen):
    """What a tool or hook asks a person when it raises `RaiseInterrupt`; the kernel makes an `Interrupt` of it."""

    reason: str = "input_required"
    message: str = ""
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
    allowed_decisions: tuple[str, ...] = ("approve", "reject", "respond")
