"""Whose doing it is, in every line that an activity logs, its hooks and tools included."""

from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from sagents.plan import AgentRef
from sagents_infra import logs


class LogContext(Interceptor):
    """Binds ids while an activity is at work."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Bound(next)


class _Bound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        with logs.bound(**fields(input.args[0] if input.args else None)):
            return await super().execute_activity(input)


def fields(request: Any) -> dict[str, object]:
    """Agent, run, call and what Temporal calls the work."""
    info, agent = activity.info(), getattr(request, "agent", None)
    ref = agent if isinstance(agent, AgentRef) else AgentRef(agent_id=getattr(request, "agent_id", ""))
    run = getattr(request, "run", None)
    return {
        "agent_id": ref.agent_id,
        "conversation_id": ref.conversation_id,
        "run_id": getattr(run, "id", None) or getattr(request, "run_id", None),
        "tool_call_id": getattr(request, "call_id", None),
        "activity": info.activity_type,
        "workflow_id": info.workflow_id,
        "attempt": info.attempt if info.attempt > 1 else None,
    }
