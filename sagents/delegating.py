"""From a call to an errand: what a sub-agent is sent to do, or why none is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagents.calling import because, usable
from sagents.errands import Delegate, Errand
from sagents.hooks import HookContext
from sagents.messages import ToolCall
from sagents.plan import CallResult
from sagents.replies import ModelRetry
from sagents.returned import failed
from sagents.tool_context import ToolContext
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent


async def errand_for(agent: Agent, call: ToolCall, tool: Tool[..., Any], context: HookContext) -> Errand | CallResult:
    """What a call sends a sub-agent to do, or what the model reads instead: nobody knows it, or there are too many."""
    try:
        errand = await tool.call(tool.validated(call.arguments), _tool_context(call, context))
        if not isinstance(errand, Errand):
            return failed(call, f"Tool '{call.name}' has to return an Errand, not {type(errand).__name__}")
        delegate = await agent.delegate(errand.task_name, errand.system_prompt)
    except ModelRetry as again:
        return failed(call, str(again))
    except Exception as error:
        return failed(call, because(error))
    if delegate is None:
        return failed(call, f"Unknown task name: {errand.task_name}")
    return _objection(call, delegate, context) or errand


def _objection(call: ToolCall, delegate: Delegate, context: HookContext) -> CallResult | None:
    if len(context.path) >= delegate.max_depth:
        return failed(call, f"Sub-agents may call each other {delegate.max_depth} deep; do this work yourself.")
    if context.children >= delegate.max_children:
        return failed(call, f"A run may call {delegate.max_children} sub-agents, and all of them were called.")
    return None


async def errand_again(agent: Agent, call: ToolCall, context: HookContext) -> Errand | CallResult:
    """The same when the sub-agent starts: perhaps later, in another process, with arguments that a person gave."""
    try:
        tool = usable(await agent.tool_named(call.name, context), call)
    except Exception as error:
        return failed(call, because(error))
    return tool if isinstance(tool, CallResult) else await errand_for(agent, call, tool, context)


def _tool_context(call: ToolCall, context: HookContext) -> ToolContext:
    return ToolContext(
        agent_id=context.agent_id,
        agent_name=context.agent_name,
        conversation_id=context.conversation_id,
        run_id=context.run_id,
        tool_call_id=call.call_id,
        scope=context.scope,
        options=context.options,
        path=context.path,
    )
