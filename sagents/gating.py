"""From a model's calls to planned ones: which run, which wait for a person, which are answered with an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagents.calling import usable
from sagents.hooks import HookContext
from sagents.messages import ToolCall
from sagents.plan import Approval, CallResult, PlannedCall
from sagents.policy import DEFAULT_DECISIONS, Allow, Ask, Deny, Verdict
from sagents.returned import failed
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent


async def planned(agent: Agent, call: ToolCall, tool: Tool[..., Any] | None, context: HookContext) -> PlannedCall:
    """The call as the kernel gets it. What is decided here is never evaluated again."""
    found = usable(tool, call)
    if isinstance(found, CallResult):
        return bare(call).but(result=found)
    plan = PlannedCall(
        call_id=call.call_id,
        name=call.name,
        timeout=found.timeout,
        parallel=found.parallel,
        on_worker_loss=found.on_worker_loss,
    )
    match await _verdict(agent, call, found, context):
        case Allow():
            return plan
        case Ask(approval=approval):
            return plan.but(approval=approval)
        case Deny(reason=reason):
            return plan.but(result=failed(call, reason))


def bare(call: ToolCall) -> PlannedCall:
    """A call of which nothing more is known."""
    return PlannedCall(call_id=call.call_id, name=call.name)


async def _verdict(agent: Agent, call: ToolCall, tool: Tool[..., Any], context: HookContext) -> Verdict:
    """A policy that cannot decide leaves it to a person."""
    try:
        return await agent.policy_for(tool).evaluate(tool, tool.validated(call.arguments), context)
    except Exception as error:
        why = f"{tool.display_text} (its policy failed: {type(error).__name__}: {error})"
        return Ask(Approval(summary=why, allowed_decisions=DEFAULT_DECISIONS))
