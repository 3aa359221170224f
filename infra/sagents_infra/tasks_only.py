"""Lets agents move in workflow tasks alone, never for a query.

Temporal hands a query to a worker together with events that no workflow task has taken yet, and the SDK runs the
workflow on them to answer by its newest state. A message that comes with the next workflow task is then handled after
these events; every replay handles both together, the message first. Other commands come of it, so that no worker can
replay the history any more: the agent is lost when it leaves a worker's cache (temporalio 1.35, docs/decisions/0012).

Here such a query fails before anything has run, and the cached run goes with it. Whoever asks again is answered
together with the workflow task that is waiting by then.
"""

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info

from sagents.contract import ASK_AGAIN

READS = frozenset({"query_workflow", "remove_from_cache"})
"""Jobs of an activation that move nothing."""


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

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        # A task's start sets the workflow's clock and the size of its history: with both as they were, there was none.
        task = (act.timestamp.ToNanoseconds(), act.history_size_bytes)
        moves = any(job.WhichOneof("variant") not in READS for job in act.jobs)
        if moves and task == self._task and act.history_length > self._events:
            refused = WorkflowActivationCompletion()
            refused.failed.failure.message = ASK_AGAIN
            return refused
        if moves:
            self._task, self._events = task, act.history_length
        answer = self._instance.activate(act)
        if moves and _only_refuses(answer):
            self._events = 0  # Temporal may take such a task back; what comes next then has the numbers of its events
        return answer

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
