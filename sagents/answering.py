"""What becomes of a person's answer, and of a run that a tool has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from pydantic_core import to_json

from sagents.checking import check_answer, said_to_halt
from sagents.contexts import context_of
from sagents.decisions import Approve, Decision, Edit, Reject, Respond
from sagents.drafting import Draft, HookFailed, StepFailed
from sagents.hooks import state_hook
from sagents.interrupts import Interrupt, InterruptStatus, Raised
from sagents.messages import Message, ToolCall, ToolResult
from sagents.operations import Operation
from sagents.placeholders import placeholder
from sagents.plan import Answered, AnswerRequest, RunError, SettleRequest
from sagents.replies import HALT, Pause, RaiseInterrupt, WrongAnswer
from sagents.returned import JSON_OPTIONS
from sagents.state import State
from sagents.surroundings import Surroundings

if TYPE_CHECKING:
    from sagents.agent import Agent

UNHANDLED = "No middleware handled the resume for this interrupt"
LATE = "Nobody answered in time, so the default counts:"


async def answer(agent: Agent, state: State, request: AnswerRequest, around: Surroundings) -> Answered:
    """What the first middleware that knows the interrupt makes of the decision (B-18).

    A question that a tool asked by itself needs no middleware: the answer is the tool's result.
    """
    draft = Draft.of(state, request.agent)
    context = context_of(agent, request.agent, around, run_id=request.run_id)
    for middleware in agent.stack:
        arguments = (request.interrupt, request.decision, draft.state, context)
        try:
            answered = await state_hook(middleware, "handle_resume", *arguments)
        except RaiseInterrupt as asked:
            return _again(draft, request.interrupt, asked.raised)
        except WrongAnswer as wrong:
            return _refused(wrong)
        except Exception as error:
            return Answered(error=HookFailed(f"{middleware.id}.handle_resume", error).error)
        if isinstance(answered, Pause):
            return Answered(paused=True, pause=answered.cause)
        if answered is not None:
            return Answered(operations=draft.become(answered).operations)
    return _by_itself(draft, request.interrupt, request.decision)


def _again(draft: Draft, interrupt: Interrupt, raised: Raised) -> Answered:
    """Another question in the place of the first."""
    if interrupt.tool_call_id is None:
        return Answered(raised=raised)
    call = ToolCall(call_id=interrupt.tool_call_id, name=interrupt.tool or "")
    state = draft.state.replace_tool_result(call.call_id, placeholder(call, raised))
    return Answered(operations=draft.become(state).operations, raised=raised)


def _by_itself(draft: Draft, interrupt: Interrupt, decision: Decision) -> Answered:
    if interrupt.reason != HALT and (interrupt.tool_call_id is None or interrupt.reason != Raised().reason):
        return Answered(error=RunError(type="not_handled", message=UNHANDLED))
    try:
        check_answer(interrupt, decision)
    except WrongAnswer as wrong:
        return _refused(wrong)
    if interrupt.reason == HALT:
        return _after_halt(draft, interrupt, said_to_halt(decision))
    result = _result(interrupt, decision)
    return Answered(operations=draft.become(draft.state.replace_tool_result(result.tool_call_id, result)).operations)


def _after_halt(draft: Draft, interrupt: Interrupt, text: str) -> Answered:
    """What a person says to a halt is a new message; whatever else was asked is moot (B-96)."""
    message = Message.user(text, id=f"msg_{interrupt.id}")
    return Answered(operations=draft.become(draft.state.cancel_pending_interrupts().add_message(message)).operations)


def _refused(wrong: WrongAnswer) -> Answered:
    """The question stays open; the next person reads why."""
    return Answered(error=RunError(type="wrong_answer", message=str(wrong)))


def _result(interrupt: Interrupt, decision: Decision) -> ToolResult:
    """The tool's result. A value that is no text is JSON, for the model and for programs."""
    call: dict[str, Any] = {"tool_call_id": interrupt.tool_call_id, "name": interrupt.tool}
    if interrupt.status is InterruptStatus.EXPIRED:
        return ToolResult(**call, content=f"{LATE} {_words(decision)}")
    is_json = isinstance(decision, Respond) and not isinstance(decision.content, str)
    return ToolResult(**call, content=_words(decision), options=JSON_OPTIONS if is_json else {})


def _words(decision: Decision) -> str:
    """A decision as the model reads it."""
    match decision:
        case Respond():
            return decision.text
        case Edit(arguments=value):
            return to_json(value).decode()
        case Approve():
            return "A person approved this."
        case Reject(reason=reason):
            return f"A person declined this. Reason: {reason}" if reason else "A person declined this."
        case _:
            assert_never(decision)


async def settle(agent: Agent, state: State, request: SettleRequest, around: Surroundings) -> tuple[Operation, ...]:
    """What the `after_run` hooks change, in reverse order. The run has ended, so one that fails is only announced."""
    draft = Draft.of(state, request.agent)
    context = context_of(agent, request.agent, around, run_id=request.run.id)
    for middleware in reversed(agent.stack):
        try:
            draft = await draft.through("after_run", (middleware,), context)
        except StepFailed as failure:
            around.emit("middleware_action", {"middleware": middleware.id, "error": failure.error.message})
    return draft.operations
