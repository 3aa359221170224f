"""What to do next, where a decision was not taken."""

from sagents import SagentsError
from sagents.errors import (
    DecisionConflict,
    DecisionRefused,
    DigestMismatch,
    Forbidden,
    InterruptGone,
    InterruptUnknown,
    InvalidDecision,
)
from sagents_infra.cli.picking import brief_id


def explained(error: SagentsError, agent_id: str, interrupt_id: str, signed: bool) -> SagentsError:
    """The same error; where it is about a decision, its message ends with the command that helps."""
    if not isinstance(error, DecisionRefused):
        return error
    where = f" (at {error.pointer})" if error.pointer else ""
    words = f"{str(error).rstrip('. ')}{where}. {_next(error, agent_id, interrupt_id, signed)}"
    return type(error)(error.agent_id, error.status, words, error.interrupt_id or interrupt_id, error.pointer)


def _next(error: DecisionRefused, agent_id: str, interrupt_id: str, signed: bool) -> str:
    look = f"`sagents approvals show {agent_id}/{brief_id(interrupt_id)}`"
    match error:
        case Forbidden() if not signed:
            return f"Say who decides by --as NAME --group NAME; {look} shows who may."
        case Forbidden():
            return f"{look} shows who may."
        case DecisionConflict() | InterruptGone():
            return f"`sagents approvals log {agent_id}` shows what happened."
        case DigestMismatch():
            return f"{look} shows the call and its digest."
        case InvalidDecision():
            return f"{look} shows the call and what it may be answered with."
        case InterruptUnknown():
            return "`sagents approvals ls` shows what waits."
        case _:
            return f"{look} shows more."
