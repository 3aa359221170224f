"""The gate: every effect of the kernel passes here, one typed function each, with its times and the reasons for them.

Attempts are unlimited under a schedule-to-close, because Temporal also counts lost workers and unread states;
the tries of models and tools are counted inside their activities.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityHandle

with workflow.unsafe.imports_passed_through():
    from sagents import contract, plan
    from sagents.briefs import Brief, BriefRequest, ConcludeRequest
    from sagents.carried import Woken
    from sagents.clipping import clipped
    from sagents.pace import PACE
    from sagents.reviews import Reviewed, ReviewRequest
    from sagents.viewers import Viewers
    from sagents_activities.children import ChildActivities
    from sagents_activities.hooks import HookActivities
    from sagents_activities.records import RecordActivities
    from sagents_activities.review import ReviewActivities
    from sagents_activities.steps import ModelActivities
    from sagents_activities.tools import ToolActivities

EAGER = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))
SUMMARY = 200
"""Characters that Temporal shows of an activity."""

TIDY_UP = timedelta(seconds=15)
"""What user code gets beyond its own time-out, so that its own one fires first and says more."""


def model_step(request: plan.StepRequest, model_call: int) -> ActivityHandle[plan.Plan]:
    """Ask the model. Streams for minutes, so it heartbeats; a cancelled one still returns what was said."""
    return _start(
        ModelActivities.step,
        request,
        summary=f"model call {model_call} of {request.agent.name}",
        start_to_close=timedelta(minutes=15),
        schedule_to_close=timedelta(hours=1),
    )


def tool_call(request: plan.CallRequest, call: plan.PlannedCall) -> ActivityHandle[plan.CallResult]:
    """Run a tool for as long as it says it may take, and again when its worker was lost."""
    return _start(
        ToolActivities.call,
        request,
        summary=f"tool {call.name}",
        start_to_close=call.timeout + TIDY_UP,
        schedule_to_close=3 * call.timeout + timedelta(hours=1),
    )


def answer(request: plan.AnswerRequest) -> ActivityHandle[plan.Answered]:
    """Hand a decision to middleware, whose hook may do I/O."""
    return _start(
        HookActivities.answer,
        request,
        summary=f"answer of {request.interrupt.tool or request.interrupt.reason}",
        start_to_close=timedelta(minutes=5),
        schedule_to_close=timedelta(hours=1),
    )


def review(request: ReviewRequest) -> ActivityHandle[Reviewed]:
    """Check decisions: signatures, and arguments by the tool's schema. A person waits for the answer."""
    return _start(
        ReviewActivities.review,
        request,
        summary="review of a decision",
        start_to_close=timedelta(seconds=30),
        schedule_to_close=timedelta(minutes=2),
    )


def settle(request: plan.SettleRequest) -> ActivityHandle[plan.Settled]:
    """Run the hooks at a run's end, which may do I/O."""
    return _start(
        HookActivities.settle,
        request,
        summary="after the run",
        start_to_close=timedelta(minutes=5),
        schedule_to_close=timedelta(hours=1),
    )


def brief(request: BriefRequest) -> ActivityHandle[Brief]:
    """Find out what a new sub-agent has to do; factories and hooks say so."""
    return _start(
        ChildActivities.brief,
        request,
        summary=f"brief of {request.agent.name}",
        start_to_close=timedelta(minutes=1),
        schedule_to_close=timedelta(minutes=10),
    )


def conclude(request: ConcludeRequest) -> ActivityHandle[plan.CallResult]:
    """Make a sub-agent's work its parent's result, and tell the parent's observers."""
    return _start(
        ChildActivities.conclude,
        request,
        summary=f"report of {request.agent.name}",
        start_to_close=timedelta(minutes=1),
        schedule_to_close=timedelta(minutes=10),
    )


async def child(agent: plan.AgentRef) -> plan.CallResult:
    """Send a sub-agent and wait for it, for as long as people take. It is cancelled before its parent, not with it."""
    result: plan.CallResult = await workflow.execute_child_workflow(
        contract.SUB_AGENT_WORKFLOW,
        contract.StartAgent.of(agent),
        id=agent.agent_id,
        result_type=plan.CallResult,
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        static_summary=clipped(agent.name, SUMMARY),
    )
    return result


async def tell(agent_id: str, signal: str, payload: Any) -> None:
    """Signal another agent's workflow, whichever run of it there is."""
    await workflow.get_external_workflow_handle(agent_id).signal(signal, payload)


async def cancel(agent_id: str) -> None:
    """Ask another agent's workflow to end."""
    await workflow.get_external_workflow_handle(agent_id).cancel()


def notify(request: plan.NotifyRequest) -> ActivityHandle[plan.Notified]:
    """Hand a message to a middleware, whose hook may do I/O."""
    return _start(
        HookActivities.notify,
        request,
        summary=f"message for {request.middleware}",
        start_to_close=timedelta(minutes=5),
        schedule_to_close=timedelta(minutes=10),
    )


def restore(request: plan.RestoreRequest) -> ActivityHandle[plan.Restored]:
    """Read an export and sweep it; the predicates are the middleware's own."""
    return _start(
        HookActivities.restore,
        request,
        summary="restore",
        start_to_close=timedelta(minutes=1),
        schedule_to_close=timedelta(minutes=10),
    )


def announce(request: plan.AnnounceRequest) -> ActivityHandle[None]:
    """Tell news that nothing else carries. Short, and given up soon: news grow old."""
    return _start_short(
        RecordActivities.announce, request, "announce", timedelta(seconds=5), schedule_to_close=timedelta(minutes=1)
    )


def viewers(request: plan.ViewersRequest) -> ActivityHandle[Viewers]:
    """Ask who looks. Patient: an agent that cannot ask stays."""
    return _start_short(RecordActivities.viewers, request, "who looks", timedelta(seconds=5), None)


def save(request: plan.SaveRequest) -> ActivityHandle[plan.Saved]:
    """Save head and tail. Short and without a heartbeat: a lost worker costs these seconds."""
    return _start_short(RecordActivities.save, request, "save", timedelta(seconds=10), timedelta(minutes=10))


def wake(request: plan.WakeRequest) -> ActivityHandle[Woken]:
    """Claim the agent and read its head. No end to its patience: a fresh state must never replace an unread one."""
    return _start_short(RecordActivities.wake, request, "wake", timedelta(seconds=5), None)


def _start(
    method: Callable[..., Any],
    request: Any,
    *,
    summary: str,
    start_to_close: timedelta,
    schedule_to_close: timedelta,
) -> ActivityHandle[Any]:
    return workflow.start_activity_method(
        method,
        request,
        summary=clipped(summary, SUMMARY),
        start_to_close_timeout=start_to_close,
        schedule_to_close_timeout=schedule_to_close,
        heartbeat_timeout=PACE.heartbeat_timeout,
        retry_policy=EAGER,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


def _start_short(
    method: Callable[..., Any],
    request: Any,
    summary: str,
    start_to_close: timedelta,
    schedule_to_close: timedelta | None,
) -> ActivityHandle[Any]:
    return workflow.start_activity_method(
        method,
        request,
        summary=summary,
        start_to_close_timeout=start_to_close,
        schedule_to_close_timeout=schedule_to_close,
        retry_policy=EAGER,
    )
