"""A sub-agent as its parent sees it: who it is, what it begins with, and what its work came to (B-50, B-51)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from sagents.briefs import Brief
from sagents.errands import Delegate, Errand
from sagents.head import CallState, Head
from sagents.interrupts import Interrupt, Raised
from sagents.messages import Message, ToolCall, ToolResult
from sagents.metadata import patch
from sagents.operations import Merge, Operation, SetMessages
from sagents.outcome import last_text, result_named, value_of
from sagents.placeholders import placeholder
from sagents.plan import AgentRef, Bulletin, CallResult, Ending, Link, OutcomeKind, Sub
from sagents.replies import HALT
from sagents.returned import DONE
from sagents.state import State, StateDelta

SHARED = "shared"
"""The metadata key whose value comes back to the parent; nothing else of a sub-agent's state does."""


def child_of(head: Head, call: CallState, writer: str = "") -> AgentRef:
    """The sub-agent that answers a call: all of its parent that is inherited (B-50), and an id below its parent's."""
    agent, run, plan = head.agent, head.started, call.plan
    assert plan.child is not None, "this call is answered by a tool"
    place = [each.plan.call_id for each in run.calls].index(plan.call_id)
    root = agent.sub or Sub(root_id=agent.agent_id, root_name=agent.name, root_run_id=run.spec.id, root_writer=writer)
    sub = root.but(
        parent_id=agent.agent_id,
        record=run.record,
        call_id=plan.call_id,
        tool=plan.name,
        arguments=call.arguments,
        path=(*root.path, Link(name=plan.child)),
        requesters=run.spec.requesters,
    )
    agent_id = f"{agent.agent_id}/{plan.child}-{head.runs}.{run.step}.{place}"
    return agent.but(name=plan.child, agent_id=agent_id, sub=sub)


def brief_of(errand: Errand, delegate: Delegate, inherited: Mapping[str, JsonValue]) -> Brief:
    """What a sub-agent begins with: its parent's metadata, but none of its messages."""
    past = (*delegate.messages, *errand.messages)
    operations: list[Operation] = []
    if inherited:
        operations.append(Merge(delta=StateDelta(metadata=inherited)))
    if past:
        operations.append(SetMessages(messages=past))
    return Brief(
        link=Link(name=errand.task_name, system_prompt=errand.system_prompt),
        operations=tuple(operations),
        messages=(Message.user(errand.instructions),),
        until_tool=delegate.until_tool,
        until_tool_success=delegate.until_tool_success,
        max_runs=delegate.max_runs,
        quiet=delegate.quiet,
    )


def concluded(
    agent: AgentRef,
    state: State,
    ending: Ending | None,
    interrupts: Iterable[Interrupt] = (),
    inherited: Mapping[str, JsonValue] | None = None,
) -> CallResult:
    """The call's result for the parent (B-51): what was said last, or what the tool to reach has returned."""
    halts = next((one for one in interrupts if one.reason == HALT), None)
    if halts is not None:
        return _halted(agent, halts)
    if ending is None or ending.kind is not OutcomeKind.FINISHED:
        return broken(agent, why_of(agent.name, ending))
    reached = result_named(state, ending.tool_call_id) if ending.tool_call_id else None
    result = _result(agent, last_text(state) or DONE)
    if reached is not None:
        result = result.but(content=reached.content, is_error=reached.is_error, options=reached.options)
    return CallResult(result=result, delta=_shared(inherited or {}, state), processed=value_of(reached))


def broken(agent: AgentRef, why: str) -> CallResult:
    """The result of a sub-agent that has come to nothing; the parent goes on with it."""
    return CallResult(result=_result(agent, why).but(is_error=True))


def failed(agent: AgentRef, type: str, why: str) -> CallResult:
    """The same in the words of B-51."""
    return broken(agent, f"Task '{agent.name}' failed ({type}): {why}")


def cancelled(agent: AgentRef) -> CallResult:
    """The same of one that was ended with its parent's run."""
    return broken(agent, why_of(agent.name, Ending(kind=OutcomeKind.CANCELLED)))


def cancelled_news(agent: AgentRef, reason: str) -> Bulletin:
    """What people are told of a sub-agent that was cancelled."""
    return Bulletin(
        type="subagent_cancelled", data={"sub_agent_id": agent.agent_id, "name": agent.name, "reason": reason}
    )


def why_of(name: str, ending: Ending | None) -> str:
    """In words for the model why a task has come to nothing."""
    match ending:
        case Ending(error=error) if error is not None:
            return f"Task '{name}' failed ({error.type}): {error.message}"
        case Ending(kind=OutcomeKind.PAUSED, cause=cause):
            return f"Task '{name}' paused ({cause or 'no cause given'})"
        case Ending(kind=OutcomeKind.CANCELLED):
            return f"Task '{name}' was cancelled"
        case _:
            return f"Task '{name}' ended without a result"


def _result(agent: AgentRef, text: str) -> ToolResult:
    sub = agent.sub
    assert sub is not None, "only a sub-agent answers a call"
    return ToolResult(tool_call_id=sub.call_id, name=sub.tool, content=text)


def _halted(agent: AgentRef, interrupt: Interrupt) -> CallResult:
    """A halt ends the parent's work too: nobody but a person goes on from it (B-53)."""
    source: dict[str, JsonValue] = {"source_tool": interrupt.tool} if interrupt.tool else {}
    raised = Raised(
        reason=HALT,
        message=interrupt.message,
        data={**source, **interrupt.data, "source_task": agent.name},
        response_schema=interrupt.response_schema,
        **interrupt.terms,
    )
    answer = _result(agent, "")
    call = ToolCall(call_id=answer.tool_call_id, name=answer.name or "", arguments={})
    return CallResult(result=placeholder(call, raised), raised=raised)


def _shared(inherited: Mapping[str, JsonValue], state: State) -> StateDelta | None:
    mine, before = state.metadata.get(SHARED), inherited.get(SHARED)
    if not isinstance(mine, Mapping) or mine == before:
        return None
    changed = patch(dict(before), dict(mine)) if isinstance(before, Mapping) else None
    return StateDelta(metadata={SHARED: dict(mine) if changed is None else changed})
