"""Which activations of a workflow are let through: those of workflow tasks, and what reads.

And what is commanded where nothing is: two tasks in a row without commands are one to a worker that replays them with
an update at hand, and two to every other (temporalio/sdk-rust#1146).
"""

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance

from sagents.contract import ASK_AGAIN
from sagents_infra.tasks_only import NEVER_EMPTY_TWICE, TasksOnly


class Recorded(WorkflowInstance):
    """A workflow that only counts how often it moves."""

    def __init__(self) -> None:
        self.moves = 0
        self.answers = WorkflowActivationCompletion()
        self.answers.successful.SetInParent()

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self.moves += 1
        answer = WorkflowActivationCompletion()
        answer.CopyFrom(self.answers)
        return answer

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


def test_events_move_nothing_either_where_a_task_was_taken_back_because_it_only_refused_an_update() -> None:
    """Temporal keeps nothing of such a task: its two events are gone, and others have their numbers."""
    recorded = Recorded()
    workflow = TasksOnly(recorded)
    workflow.activate(activation("initialize_workflow", task=1, events=3))
    recorded.answers.successful.commands.add().update_response.rejected.message = "no"
    workflow.activate(activation("do_update", task=2, events=9))  # 8 and 9 are the task itself
    for news in ("signal_workflow", "fire_timer"):
        assert refuses(workflow, news, task=2, events=9)  # 8 is news, 9 a task that has not started
    recorded.answers.successful.ClearField("commands")
    assert not refuses(workflow, "signal_workflow", task=3, events=10)


def test_a_task_that_also_commands_something_is_not_taken_back() -> None:
    recorded = Recorded()
    workflow = TasksOnly(recorded)
    recorded.answers.successful.commands.add().update_response.rejected.message = "no"
    recorded.answers.successful.commands.add().start_timer.seq = 1
    workflow.activate(activation("do_update", task=2, events=9))
    assert not refuses(workflow, "resolve_activity", task=2, events=9)


def test_a_query_is_answered_and_a_cached_run_forgotten_at_any_time() -> None:
    recorded = Recorded()
    workflow = TasksOnly(recorded)
    workflow.activate(activation("initialize_workflow", task=1, events=3))
    assert not refuses(workflow, "query_workflow", task=1, events=8)
    assert not refuses(workflow, "remove_from_cache", task=1, events=8)
    assert recorded.moves == 3


class Tasks:
    """A workflow, task after task."""

    def __init__(self, *, replaying: bool = False, flags: tuple[int, ...] = ()) -> None:
        self.recorded = Recorded()
        self.workflow = TasksOnly(self.recorded)
        self.number = 0
        self.began: dict[str, Any] = {"is_replaying": replaying, "available_internal_flags": flags}

    def pass_with(self, job: str, *commands: str) -> list[str | None]:
        """What is commanded in the end."""
        self.number += 1
        self.recorded.answers.successful.ClearField("commands")
        for command in commands:
            added = self.recorded.answers.successful.commands.add()
            getattr(added, command).SetInParent()
            if command == "update_response":
                added.update_response.rejected.message = "no"
        act = activation(job, task=self.number, events=4 * self.number)
        act.MergeFrom(WorkflowActivation(**self.began))
        self.answer = self.workflow.activate(act)
        return [command.WhichOneof("variant") for command in self.answer.successful.commands]


MARKED = ["modify_workflow_properties"]


def test_the_second_of_two_tasks_that_command_nothing_leaves_a_trace() -> None:
    tasks = Tasks()
    assert tasks.pass_with("initialize_workflow", "schedule_activity") == ["schedule_activity"]
    assert tasks.pass_with("resolve_activity") == []
    assert tasks.pass_with("resolve_activity") == MARKED
    assert tasks.pass_with("resolve_activity") == []
    assert tasks.pass_with("resolve_activity", "start_timer") == ["start_timer"]
    assert tasks.pass_with("fire_timer") == []
    assert tasks.pass_with("signal_workflow") == MARKED
    assert tasks.answer.successful.commands[0].modify_workflow_properties.upserted_memo.fields


def test_the_first_task_has_none_before_it_that_commands() -> None:
    assert Tasks().pass_with("initialize_workflow") == MARKED


def test_what_leaves_no_event_counts_as_nothing() -> None:
    tasks = Tasks()
    tasks.pass_with("initialize_workflow", "schedule_activity")
    at_once = ["start_timer", "cancel_timer"]  # the SDK forgets both
    assert tasks.pass_with("resolve_activity", *at_once) == at_once
    assert tasks.pass_with("resolve_activity", *at_once) == [*at_once, *MARKED]


def test_a_task_that_temporal_takes_back_counts_neither_way() -> None:
    tasks = Tasks()
    tasks.pass_with("initialize_workflow", "schedule_activity")
    tasks.pass_with("resolve_activity")
    assert tasks.pass_with("do_update", "update_response") == ["update_response"]
    assert tasks.pass_with("resolve_activity") == MARKED
    tasks.pass_with("resolve_activity")
    assert tasks.pass_with("signal_workflow", "update_response") == ["update_response", *MARKED]


def test_a_run_keeps_the_rule_that_it_was_begun_with() -> None:
    for replaying in (False, True):
        tasks = Tasks(replaying=replaying, flags=(NEVER_EMPTY_TWICE,) if replaying else ())
        assert tasks.pass_with("initialize_workflow") == MARKED
        assert list(tasks.answer.successful.used_internal_flags) == [NEVER_EMPTY_TWICE]
    older = Tasks(replaying=True)
    older.pass_with("initialize_workflow")
    older.began = {"is_replaying": False, "available_internal_flags": ()}
    assert older.pass_with("resolve_activity") == []
    assert not older.answer.successful.used_internal_flags
