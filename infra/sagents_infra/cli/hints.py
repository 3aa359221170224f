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
from sagents.inbox import InboxItem
from sagents_infra.cli.picking import brief_id


def explained(error: SagentsError, item: InboxItem, signed: bool) -> SagentsError:
    """The same error; its message ends with the command that helps."""
    if not isinstance(error, DecisionRefused):
        return error
    where = f" (at {error.pointer})" if error.pointer else ""
    words = f"{str(error).rstrip('. ')}{where}. {_next(error, item, signed)}"
    return type(error)(error.agent_id, error.status, words, error.interrupt_id or item.interrupt.id, error.pointer)


def _next(error: DecisionRefused, item: InboxItem, signed: bool) -> str:
    look = f"`sagents approvals show {item.agent_id}/{brief_id(item.interrupt.id)}`"
    match error:
        case Forbidden() if not signed:
            return f"Say who decides by --as NAME --group NAME; {look} shows who may."
        case Forbidden():
            return f"{look} shows who may."
        case DecisionConflict() | InterruptGone():
            return f"`sagents approvals log {item.agent_id}` shows what happened."
        case DigestMismatch():
            return f"{look} shows the call and its digest."
        case InvalidDecision():
            return f"{look} shows the call and what it may be answered with."
        case InterruptUnknown():
            return "`sagents approvals ls` shows what waits."
        case _:
            return f"{look} shows more."
