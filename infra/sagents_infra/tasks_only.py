"""Lets agents move in workflow tasks alone, never for a query.

Temporal hands a query to a worker together with events that no workflow task has taken yet, and the SDK runs the
workflow on them to answer by its newest state. A message that comes with the next workflow task is then handled after
these events; every replay handles both together, the message first. Other commands come of it, so that no worker can
replay the history any more: the agent is lost when it leaves a worker's cache (temporalio 1.35, docs/decisions/0012).

Here such a query fails before anything has run, and the cached run goes with it. Whoever asks again is answered
together with the workflow task that is waiting by then.

The same comes of two tasks in a row that command nothing, where an update follows on a worker that has to replay: the
SDK takes the second for a heartbeat and hands its events over together with the update, replays do so one by one
(temporalio/sdk-rust#1146). Here the second one commands something that changes nothing.
"""

from collections.abc import Sequence
from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info

from sagents.contract import ASK_AGAIN

READS = frozenset({"query_workflow", "remove_from_cache"})
"""Jobs of an activation that move nothing."""

TRACELESS = frozenset({"respond_to_query", "cancel_timer", "request_cancel_activity", "set_patch_marker"})
"""Commands that may leave no event of their own; nor does a timer that is started and cancelled at once."""

MEMO = "SagentsTask"
"""A field of the run's memo that says nothing."""

NEVER_EMPTY_TWICE = 1146
"""Which of the two rules a run was begun with; kept in its history, so that older ones replay as they were."""


class TasksOnlyRunner(SandboxedWorkflowRunner):
    """The SDK's runner, for workflows that refuse to run ahead."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return TasksOnly(super().create_instance(det))


class TasksOnly(WorkflowInstance):
    """A running workflow that takes events only with the start of a workflow task."""

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance
        self._task = (0, 0)
        self._events = 0
        self._marks = False
        self._empty = self._empty_before = True
        """Whether this task, and the one before it, have commanded nothing yet."""

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        # A task's start sets the workflow's clock and the size of its history: with both as they were, there was none.
        task = (act.timestamp.ToNanoseconds(), act.history_size_bytes)
        kinds = {job.WhichOneof("variant") for job in act.jobs}
        if kinds <= READS:
            return self._instance.activate(act)
        if task == self._task and act.history_length > self._events:
            refused = WorkflowActivationCompletion()
            refused.failed.failure.message = ASK_AGAIN
            return refused
        begins = "initialize_workflow" in kinds
        if begins:
            self._marks = not act.is_replaying or NEVER_EMPTY_TWICE in act.available_internal_flags
        answer = self._instance.activate(act)
        if not answer.HasField("successful"):
            return answer
        if kinds == {"do_update"} and _only_refuses(answer):
            self._task, self._events = task, 0  # Temporal may take such a task back, and its events' numbers with it
            return answer
        if task != self._task:
            self._empty_before, self._empty = self._empty, True
        self._task, self._events = task, act.history_length
        self._leave_a_trace(answer)
        if begins and self._marks:
            answer.successful.used_internal_flags.append(NEVER_EMPTY_TWICE)
        return answer

    def _leave_a_trace(self, answer: WorkflowActivationCompletion) -> None:
        """Command something where neither this task nor the one before it did."""
        self._empty = self._empty and not _leaves_a_trace(answer.successful.commands)
        if self._marks and self._empty and self._empty_before:
            memo = answer.successful.commands.add().modify_workflow_properties.upserted_memo
            memo.fields[MEMO].metadata["encoding"] = b"binary/null"
            self._empty = False

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()


def _only_refuses(answer: WorkflowActivationCompletion) -> bool:
    """Whether updates were refused and nothing else came of it; then nothing but queries follows in the same task."""
    commands = answer.successful.commands
    return bool(commands) and all(command.update_response.HasField("rejected") for command in commands)


def _leaves_a_trace(commands: Sequence[WorkflowCommand]) -> bool:
    cancelled = {command.cancel_timer.seq for command in commands if command.HasField("cancel_timer")}
    return any(
        command.WhichOneof("variant") not in TRACELESS
        and not command.update_response.HasField("rejected")
        and not (command.HasField("start_timer") and command.start_timer.seq in cancelled)
        for command in commands
    )
