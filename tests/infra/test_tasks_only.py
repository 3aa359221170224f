"""Which activations of a workflow are let through: those of workflow tasks, and what reads."""

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance

from sagents.contract import ASK_AGAIN
from sagents_infra.tasks_only import TasksOnly


class Recorded(WorkflowInstance):
    """A workflow that only counts how often it moves."""

    def __init__(self) -> None:
        self.moves = 0

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self.moves += 1
        return WorkflowActivationCompletion()

    def get_serialization_context(self, command_info: Any) -> Any:
        raise NotImplementedError

    def get_external_store_context(self, command_info: Any) -> Any:
        raise NotImplementedError

    def get_info(self) -> Any:
        raise NotImplementedError


def activation(job: str, *, task: int, events: int) -> WorkflowActivation:
    """An activation in the task that starts at second `task`, with so many events of the history behind it."""
    act = WorkflowActivation(history_length=events, history_size_bytes=100 * task)
    act.timestamp.seconds = task
    getattr(act.jobs.add(), job).SetInParent()
    return act


def refuses(workflow: TasksOnly, job: str, *, task: int, events: int) -> bool:
    return workflow.activate(activation(job, task=task, events=events)).failed.failure.message == ASK_AGAIN


def test_every_workflow_task_moves_a_workflow_whether_new_or_replayed() -> None:
    recorded = Recorded()
    workflow = TasksOnly(recorded)
    assert not refuses(workflow, "initialize_workflow", task=1, events=3)
    assert not refuses(workflow, "resolve_activity", task=2, events=9)
    assert not refuses(workflow, "do_update", task=3, events=14)
    assert recorded.moves == 3


def test_what_else_comes_with_a_task_moves_the_workflow_too() -> None:
    recorded = Recorded()
    workflow = TasksOnly(recorded)
    workflow.activate(activation("resolve_activity", task=1, events=9))
    assert not refuses(workflow, "do_update", task=1, events=9)
    assert recorded.moves == 2


def test_events_that_no_task_has_taken_move_nothing() -> None:
    recorded = Recorded()
    workflow = TasksOnly(recorded)
    workflow.activate(activation("initialize_workflow", task=1, events=3))
    for news in ("resolve_activity", "signal_workflow", "fire_timer"):
        assert refuses(workflow, news, task=1, events=8)
    assert recorded.moves == 1


def test_a_query_is_answered_and_a_cached_run_forgotten_at_any_time() -> None:
    recorded = Recorded()
    workflow = TasksOnly(recorded)
    workflow.activate(activation("initialize_workflow", task=1, events=3))
    assert not refuses(workflow, "query_workflow", task=1, events=8)
    assert not refuses(workflow, "remove_from_cache", task=1, events=8)
    assert recorded.moves == 3
