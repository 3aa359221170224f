"""What Temporal's client raises, as our errors. "Cannot answer" never turns into "does not run" (E-58)."""

from collections.abc import Callable, Mapping

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from sagents.errors import (
    AgentBusy,
    AgentNotFound,
    CannotAnswer,
    CannotCancel,
    CannotDismiss,
    CannotExecute,
    CannotRestore,
    CannotResume,
    DecisionConflict,
    DecisionRefused,
    DigestMismatch,
    Forbidden,
    Fresh,
    InterruptGone,
    InterruptUnknown,
    InvalidDecision,
    InvalidInput,
    NotPossible,
    SagentsError,
)

PASSING = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,  # how a time-out of ours comes back now and then
    }
)
"""Troubles that pass: the same request is sent again."""

UNHEARD = frozenset({"AcceptedUpdateCompletedWorkflow", "UnprocessedUpdate"})
"""What Temporal itself says of an update that no agent has answered: it had just left, or a busy worker lost it."""

REFUSALS: dict[str, Callable[[str, str], NotPossible]] = {
    kind.__name__: kind for kind in (AgentBusy, CannotCancel, CannotDismiss, CannotExecute, CannotRestore, Fresh)
}
"""What an agent's status does not allow, by the type that the kernel writes in the refusal."""

DECISION_REFUSALS: dict[str, type[DecisionRefused]] = {
    kind.__name__: kind
    for kind in (DecisionConflict, InterruptGone, InterruptUnknown, DigestMismatch, InvalidDecision, Forbidden)
}
"""Why a decision about one interrupt is not taken; which one, and what in the decision, stands in the details."""


def passes(error: Exception) -> bool:
    """Whether sending the same request again may help."""
    if isinstance(error, WorkflowUpdateFailedError):
        return isinstance(error.cause, ApplicationError) and error.cause.type in UNHEARD
    return isinstance(error, RPCError) and error.status in PASSING


def is_absent(error: RPCError) -> bool:
    """Whether no open workflow has this id, rather than no namespace this name."""
    if error.status is not RPCStatusCode.NOT_FOUND:
        return False
    return not any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)


def failure(agent_id: str, error: RPCError) -> SagentsError:
    """What a failed request says about an agent, which is mostly nothing."""
    if is_absent(error):
        return AgentNotFound(agent_id)
    if error.status is RPCStatusCode.INVALID_ARGUMENT:
        return InvalidInput(f"Temporal refused the request: {error.message}")
    return CannotAnswer(f"Temporal cannot answer for {agent_id!r}: {error.message} ({error.status.name})")


def refusal(agent_id: str, error: WorkflowUpdateFailedError) -> SagentsError:
    """The typed refusal of an update; `sagents_workflows.agent` writes the type and the status in the details."""
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return SagentsError(f"{agent_id!r} failed to answer: {cause}")
    status = str(cause.details[0]) if cause.details else ""
    if cause.type == "CannotResume":
        return CannotResume(agent_id, status, cause.message)
    if kind := REFUSALS.get(cause.type or ""):
        return kind(agent_id, status)
    if decision := DECISION_REFUSALS.get(cause.type or ""):
        about = cause.details[1] if len(cause.details) > 1 and isinstance(cause.details[1], Mapping) else {}
        named = {name: str(about.get(name) or "") for name in ("interrupt_id", "pointer")}
        return decision(agent_id, status, cause.message, **named)
    if cause.type == "InvalidInput":
        return InvalidInput(cause.message)
    return SagentsError(f"{agent_id!r} failed to answer: {cause.message}")
