"""What Temporal says, as our errors."""

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message as ProtoMessage
from temporalio.api.common.v1 import GrpcStatus
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure, NotFoundFailure
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from sagents import AgentNotFound, CannotAnswer, CannotCancel, CannotExecute, CannotResume, InvalidInput, NotPossible
from sagents.client.translating import failure, is_absent, passes, refusal
from sagents.errors import (
    DecisionConflict,
    DecisionRefused,
    DigestMismatch,
    Forbidden,
    InterruptGone,
    InterruptUnknown,
    InvalidDecision,
)


def rpc(status: RPCStatusCode, detail: ProtoMessage | None = None) -> RPCError:
    packed = AnyMessage()
    if detail is not None:
        packed.Pack(detail)
    grpc = GrpcStatus(code=int(status), message="why", details=[packed] if detail is not None else [])
    return RPCError("why", status, grpc.SerializeToString())


def refused(kind: str, message: str, status: str | None = None) -> WorkflowUpdateFailedError:
    return WorkflowUpdateFailedError(ApplicationError(message, status, type=kind))


def test_an_unknown_workflow_is_an_absent_agent() -> None:
    assert isinstance(failure("a", rpc(RPCStatusCode.NOT_FOUND, NotFoundFailure())), AgentNotFound)


@pytest.mark.parametrize(
    "error",
    [
        rpc(RPCStatusCode.NOT_FOUND, NamespaceNotFoundFailure(namespace="nope")),
        rpc(RPCStatusCode.UNAVAILABLE),
        rpc(RPCStatusCode.PERMISSION_DENIED),
        rpc(RPCStatusCode.UNAUTHENTICATED),
        rpc(RPCStatusCode.FAILED_PRECONDITION),
    ],
    ids=lambda error: error.status.name,
)
def test_what_says_nothing_about_the_agent_is_never_taken_for_its_absence(error: RPCError) -> None:
    """E-58: "cannot answer" is distinct from "not running"."""
    assert not is_absent(error)
    assert isinstance(failure("a", error), CannotAnswer)


def test_only_troubles_that_pass_are_tried_again() -> None:
    assert passes(rpc(RPCStatusCode.UNAVAILABLE))
    assert passes(rpc(RPCStatusCode.RESOURCE_EXHAUSTED))
    assert passes(refused("AcceptedUpdateCompletedWorkflow", "closed"))
    assert passes(refused("UnprocessedUpdate", "wasn't processed by worker"))
    assert not passes(rpc(RPCStatusCode.NOT_FOUND))
    assert not passes(refused("CannotCancel", "no", "idle"))


def test_refusals_come_back_as_what_the_kernel_raised() -> None:
    cancel = refusal("a", refused("CannotCancel", "...", "idle"))
    assert isinstance(cancel, CannotCancel)
    assert (cancel.agent_id, cancel.status) == ("a", "idle")
    execute = refusal("a", refused("CannotExecute", "...", "running"))
    assert isinstance(execute, CannotExecute)
    assert str(execute) == "Cannot execute, server is in state: running"
    resume = refusal("a", refused("CannotResume", "Decision count (1) does not match", "interrupted"))
    assert isinstance(resume, CannotResume)
    assert "Decision count" in str(resume)
    assert isinstance(refusal("a", refused("InvalidInput", "bad")), InvalidInput)
    assert not isinstance(refusal("a", refused("Surprise", "what")), NotPossible)


@pytest.mark.parametrize(
    "kind", [DecisionConflict, InterruptGone, InterruptUnknown, DigestMismatch, InvalidDecision, Forbidden]
)
def test_a_refused_decision_says_which_interrupt_and_where_in_the_decision(kind: type[DecisionRefused]) -> None:
    """B-62, B-83: each refusal by its name."""
    details = ["interrupted", {"interrupt_id": "int_1", "pointer": "/arguments/amount"}]
    error = refusal("a", WorkflowUpdateFailedError(ApplicationError("it is so", *details, type=kind.__name__)))
    assert type(error) is kind
    assert isinstance(error, DecisionRefused)
    assert isinstance(error, CannotResume)
    assert (error.agent_id, error.status, error.interrupt_id) == ("a", "interrupted", "int_1")
    assert (error.pointer, str(error)) == ("/arguments/amount", "it is so")


def test_a_refused_decision_of_an_older_worker_is_one_too() -> None:
    error = refusal("a", refused("Forbidden", "no", "interrupted"))
    assert isinstance(error, Forbidden)
    assert (error.interrupt_id, error.pointer) == ("", "")
