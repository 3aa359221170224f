"""The run as a pure step machine: what to do next, and what a result makes of the head.

The kernel, `Agent.execute` in-process and a step that saves by itself share it, which is why it knows neither time
nor Temporal. A coroutine's locals would not survive a continue-as-new in the middle of a run; a head does.

    idle ──Started──▶ model ──Plan──▶ calls ──CallsDone──▶ model ──Plan without calls──▶ idle
                        ▲               │ gated: parked until every gate is Decided
                        └──AnswerDone── raised by a tool: parked, then answered
"""

from __future__ import annotations

from typing import assert_never

from sagents.closing import remembered
from sagents.decisions import Approve, Edit, Reject, Respond
from sagents.demotion import ABANDONED
from sagents.head import CallState, Head, Phase, Run
from sagents.interrupts import Interrupt, InterruptStatus, Raised
from sagents.messages import Message, ToolResult
from sagents.operations import AddMessages, CancelInterrupts, Merge, ReplaceToolResult, Reset
from sagents.plan import CallResult, Ending, OutcomeKind, Plan, PlannedCall, RunError, RunSpec, Settled
from sagents.results import (
    Action,
    Answer,
    AnswerDone,
    AskModel,
    CallsDone,
    Cancelled,
    Changed,
    Continued,
    Decided,
    Dismissed,
    Escalated,
    Expired,
    Failed,
    Park,
    Reminded,
    Rest,
    Result,
    RunCalls,
    Settle,
    Started,
    Steered,
    WasReset,
    WasRestored,
)

CANCELLED = "The run was cancelled before this call could be completed."
NOBODY = "Nobody answered in time."
HALTED = "The agent was halted before this call could be completed."
HALT = "halt"


def next_action(head: Head) -> Action:
    """What a head asks for, and nothing about when."""
    if calls := head.runnable:
        return RunCalls(calls=calls)
    if head.open_interrupts:
        return Park()
    answered = next((i for i in head.interrupts if not i.is_gate), None)
    if answered is not None:
        return Answer(interrupt=answered)
    match head.phase:
        case Phase.IDLE:
            return Rest()
        case Phase.MODEL:
            return AskModel()
        case Phase.CALLS:
            return RunCalls(calls=())
        case Phase.SETTLING:
            return Settle()
        case _:
            assert_never(head.phase)


def apply(head: Head, result: Result) -> Head:
    """What was, and what happened; what is now."""
    return remembered(head, _applied(head, result), result)


def _applied(head: Head, result: Result) -> Head:
    match result:
        case Started():
            return _started(head, result)
        case Continued():
            return head.but(phase=Phase.MODEL, ending=None)
        case Steered():
            return _steered(head, result)
        case Plan():
            return _planned(head, result)
        case CallsDone():
            return _with_results(head, result.results)
        case Decided():
            return _decided(head, result)
        case Expired():
            return _expired(head, result)
        case Reminded() | Escalated():
            return _clock_struck(head, result)
        case AnswerDone():
            return _answered(head, result)
        case Settled():
            ending = head.started.ending or Ending(kind=OutcomeKind.FINISHED)
            return _finished(head.with_operations(*result.operations), ending)
        case Cancelled():
            return _broken_off(head, Ending(kind=OutcomeKind.CANCELLED), CANCELLED)
        case Dismissed():
            return _broken_off(head, Ending(kind=OutcomeKind.FINISHED), ABANDONED)
        case WasReset():
            return _broken_off(head, None, CANCELLED).with_operations(Reset())
        case WasRestored():
            return _restored(head, result)
        case Changed():
            return head.with_operations(*result.operations)
        case Failed():
            return _broken_off(head, Ending(kind=OutcomeKind.FAILED, error=result.error), result.error.message)
        case _:
            assert_never(result)


def ends(run: RunSpec, step: int, plan: Plan) -> Ending | None:
    """How a plan ends the run after `step` earlier model calls; None where the run goes on (B-10, B-11)."""
    if plan.ending is not None:
        return plan.ending
    if plan.raised is not None:
        return None
    targets = {*run.until_tool, *run.until_tool_success}
    if not plan.calls:
        return _not_called(targets) if targets else Ending(kind=OutcomeKind.FINISHED)
    out_of_steps = step + 1 >= (run.max_runs or plan.max_runs)
    return _exceeded() if out_of_steps and not targets & {call.name for call in plan.calls} else None


# ── one case each ────────────────────────────────────────────────────────────────────────────────────────────────


def _started(head: Head, started: Started) -> Head:
    free = _broken_off(head, None, ABANDONED) if head.run else head
    begun = free.but(phase=Phase.MODEL, run=Run(spec=started.run), runs=head.runs + 1, ending=None)
    return begun.with_operations(AddMessages(messages=started.messages)) if started.messages else begun


def _steered(head: Head, steered: Steered) -> Head:
    head = head.with_operations(AddMessages(messages=steered.messages))
    if not steered.requesters:
        return head
    known = (*head.started.spec.requesters, *steered.requesters)
    return head.with_run(spec=head.started.spec.but(requesters=tuple(dict.fromkeys(known))))


def _restored(head: Head, result: WasRestored) -> Head:
    restored = result.restored
    head = head.but(phase=Phase.IDLE, run=None, ending=None, interrupts=()).with_operations(*restored.operations)
    if not restored.interrupts:
        return head
    return head.but(phase=Phase.MODEL, run=Run(spec=result.run), runs=head.runs + 1, interrupts=restored.interrupts)


def _planned(head: Head, plan: Plan) -> Head:
    ending = ends(head.started.spec, head.started.step, plan)
    calls = tuple(CallState(plan=call, result=call.result) for call in plan.calls)
    run = head.started.planned(plan, calls)
    head = head.but(run=run)
    head = head.with_operations(*plan.operations)
    if ending is not None:
        return _finished(_closed(head, _why(ending)), ending)
    gates = tuple(_gate(call) for call in plan.calls if call.approval and not call.result)
    hook = (_raised(f"{plan.record}", plan.raised),) if plan.raised else ()
    head = head.but(interrupts=(*gates, *hook))
    if calls:
        return _collected(head.but(phase=Phase.CALLS))
    if plan.replied:  # an `after_model` hook asks about a final answer: nothing is left to say once it is answered
        return head.with_run(ending=Ending(kind=OutcomeKind.FINISHED)).but(phase=Phase.SETTLING)
    return head.but(phase=Phase.MODEL)


def _with_results(head: Head, results: dict[str, CallResult]) -> Head:
    calls = tuple(
        call.but(result=results[call.plan.call_id]) if call.plan.call_id in results else call
        for call in head.started.calls
    )
    return _collected(head.with_run(calls=calls))


def _decided(head: Head, decided: Decided) -> Head:
    interrupt = head.interrupt(decided.interrupt_id)
    if interrupt is None or not interrupt.is_open:
        return head
    return _closed_by(head, interrupt.voted(decided.vote))


def _expired(head: Head, result: Expired) -> Head:
    """Nobody answered: what the terms of the interrupt say is done. A question without a call ends its run."""
    interrupt = head.interrupt(result.interrupt_id)
    if interrupt is None or not interrupt.is_open:
        return head
    expired = interrupt.expired()
    if expired.is_gate and expired.decision is not None:
        return _closed_by(head, expired)
    if expired.decision is None or (isinstance(expired.decision, Reject) and expired.tool_call_id is None):
        return _broken_off(head, Ending(kind=OutcomeKind.CANCELLED), NOBODY)
    if not isinstance(expired.decision, Reject):
        return head.with_interrupt(expired)
    answer = ToolResult(tool_call_id=expired.tool_call_id or "", name=expired.tool, content=NOBODY)
    rest = tuple(other for other in head.interrupts if other.id != expired.id)
    return head.with_operations(ReplaceToolResult(tool_call_id=answer.tool_call_id, result=answer)).but(interrupts=rest)


def _clock_struck(head: Head, result: Reminded | Escalated) -> Head:
    interrupt = head.interrupt(result.interrupt_id)
    if interrupt is None or not interrupt.is_open:
        return head
    return head.with_interrupt(interrupt.widened() if isinstance(result, Escalated) else interrupt.told(result.at))


def _closed_by(head: Head, interrupt: Interrupt) -> Head:
    """With another version of an interrupt; a gate that this closes lets its call go on."""
    head = head.with_interrupt(interrupt)
    if interrupt.reason == HALT and not interrupt.is_open:
        return _closed(head, HALTED).but(interrupts=(interrupt,))  # it outranks what else was asked, and wanted
    if not interrupt.is_gate or interrupt.is_open:
        return head
    calls = tuple(
        _after_decision(call, interrupt) if call.plan.call_id == interrupt.tool_call_id else call
        for call in head.started.calls
    )
    return _collected(head.with_run(calls=calls))


def _after_decision(call: CallState, interrupt: Interrupt) -> CallState:
    decision = interrupt.decision
    match decision:
        case Approve() | None:
            return call
        case Edit():
            return call.but(arguments=decision.arguments)
        case Reject():
            text = _rejected(call, interrupt, decision)
        case Respond():
            text = decision.text
        case _:
            assert_never(decision)
    return call.but(result=_result(call.plan, text, is_error=False), decided=True)


def _rejected(call: CallState, interrupt: Interrupt, decision: Reject) -> str:
    """What the model reads: that nobody answered is never told as a person's no."""
    if interrupt.status is InterruptStatus.EXPIRED:
        text = f"{NOBODY} Tool '{call.plan.name}' was not run."
        return f"{text} {decision.reason}" if decision.reason else text
    why = f" Reason: {decision.reason}" if decision.reason else ""
    return f"Tool '{call.plan.name}' was rejected by a human reviewer.{why}"


def _answered(head: Head, done: AnswerDone) -> Head:
    head = head.with_operations(*done.answered.operations)
    kept = tuple(interrupt for interrupt in head.interrupts if interrupt.id != done.interrupt_id)
    old = head.interrupt(done.interrupt_id)
    if old is not None and done.answered.error is not None:
        return head.but(interrupts=(*kept, old.reopened(done.answered.error.message)))
    if old is not None and done.answered.raised is not None:
        return head.but(interrupts=(*kept, _raised(f"{old.id}+", done.answered.raised, old.tool_call_id, old.tool)))
    head = head.but(interrupts=kept)
    if old is not None and old.reason == HALT:  # what the person said starts anew, wherever the run was
        head = head.with_run(ending=None).but(phase=Phase.MODEL)
    if done.answered.paused:
        return _finished(head, Ending(kind=OutcomeKind.PAUSED, cause=done.answered.pause))
    return head


def _collected(head: Head) -> Head:
    """Once every gate is decided and every call has ended: one tool message with all results, then what follows."""
    run = head.started
    if head.open_interrupts or any(call.waits for call in run.calls):
        return head
    results = [(call, call.result) for call in run.calls if call.result]
    deltas = [Merge(delta=result.delta) for _, result in results if result.delta]
    head = head.with_operations(AddMessages(messages=(Message.tool(*(r.result for _, r in results)),)), *deltas)
    asked = tuple(
        _raised(call.question, result.raised, call.plan.call_id, call.plan.name)
        for call, result in results
        if result.raised
    )
    others = tuple(interrupt for interrupt in head.interrupts if not interrupt.is_gate)
    head = head.with_run(calls=()).but(phase=Phase.MODEL, interrupts=(*others, *asked))
    return _after_calls(head, run.calls)


def _after_calls(head: Head, calls: tuple[CallState, ...]) -> Head:
    run = head.started
    pause = next((call.result for call in calls if call.result and call.result.paused), None)
    if pause is not None and not head.open_interrupts:  # a question outranks a pause
        return _finished(head, Ending(kind=OutcomeKind.PAUSED, cause=pause.pause))
    reached = _target(run.spec, calls)
    if reached is not None:
        ending = Ending(kind=OutcomeKind.FINISHED, tool_call_id=reached.plan.call_id)
        return head.with_run(ending=ending).but(phase=Phase.SETTLING)
    if run.step >= (run.spec.max_runs or run.max_runs):
        return _finished(head, _exceeded())
    return head


def _target(run: RunSpec, calls: tuple[CallState, ...]) -> CallState | None:
    """The call that ends the run: a successful one where there is one (E-77); what a person answered never ran."""
    ran = [call for call in calls if call.result and not call.decided and not call.result.raised]
    good = [call for call in ran if call.result and not call.result.result.is_error]
    wanted = {*run.until_tool, *run.until_tool_success}
    return next(
        (call for call in good if call.plan.name in wanted),
        next((call for call in ran if call.plan.name in run.until_tool), None),
    )


# ── endings ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _finished(head: Head, ending: Ending) -> Head:
    """Back to idle. A paused run is kept, so that `resume` can continue it; what was asked is closed (T-31)."""
    run = head.run if ending.kind is OutcomeKind.PAUSED else None
    if any(not interrupt.is_gate for interrupt in head.interrupts):
        head = head.with_operations(CancelInterrupts())
    return head.but(phase=Phase.IDLE, run=run, ending=ending, interrupts=())


def _broken_off(head: Head, ending: Ending | None, why: str) -> Head:
    """The run stops where it is: dangling calls get an error result, open questions are closed."""
    head = _closed(head, why) if head.run else head
    if any(not interrupt.is_gate for interrupt in head.interrupts):
        head = head.with_operations(CancelInterrupts())
    return head.but(phase=Phase.IDLE, run=None, ending=ending, interrupts=())


def _closed(head: Head, why: str) -> Head:
    calls = head.started.calls
    if not calls:
        return head
    results = [call.result.result if call.result else _result(call.plan, why).result for call in calls]
    head = head.with_operations(AddMessages(messages=(Message.tool(*results),)))
    return head.with_run(calls=())


def _why(ending: Ending) -> str:
    return ending.error.message if ending.error else CANCELLED


def _exceeded() -> Ending:
    text = "Max number of automated turns reached. You may continue if desired."
    return Ending(kind=OutcomeKind.FAILED, error=RunError(type="exceeded_max_runs", message=text))


def _not_called(targets: set[str]) -> Ending:
    names = ", ".join(sorted(targets))
    text = f"The model stopped without calling {names}."
    return Ending(kind=OutcomeKind.FAILED, error=RunError(type="until_tool_not_called", message=text))


def _gate(call: PlannedCall) -> Interrupt:
    approval = call.approval
    assert approval is not None, "only gated calls have a gate"
    return Interrupt(
        id=f"int_{call.call_id}",
        tool_call_id=call.call_id,
        tool=call.name,
        message=approval.summary,
        digest=approval.digest,
        **approval.terms,
    )


def _raised(key: str, raised: Raised, call_id: str | None = None, tool: str | None = None) -> Interrupt:
    return Interrupt(
        id=f"int_{key}",
        reason=raised.reason,
        message=raised.message,
        data=raised.data,
        response_schema=raised.response_schema,
        tool_call_id=call_id,
        tool=tool,
        **raised.terms,
    )


def _result(call: PlannedCall, text: str, *, is_error: bool = True) -> CallResult:
    return CallResult(result=ToolResult(tool_call_id=call.call_id, name=call.name, content=text, is_error=is_error))
