"""What the head asks for, through the gate: one function an action. A failure is the caller's to catch."""

import asyncio

from temporalio import workflow

from sagents_workflows import children, gate
from sagents_workflows.batch import Batch
from sagents_workflows.keeping import confirm
from sagents_workflows.life import BREAK_OFF, Life

with workflow.unsafe.imports_passed_through():
    from sagents.carried import ARGUMENT_BYTES
    from sagents.commands import NewMessage, NotifyMiddleware, RestoreState
    from sagents.head import CallState
    from sagents.interrupts import Interrupt, InterruptStatus
    from sagents.operations import Operation, canonical
    from sagents.plan import (
        AnswerRequest,
        CallRequest,
        CallResult,
        NotifyRequest,
        RestoreRequest,
        RunSpec,
        SettleRequest,
        StepRequest,
    )
    from sagents.results import AnswerDone, CallsDone, Changed, WasRestored
    from sagents.status import Status


async def ask(life: Life) -> None:
    """Take a model step."""
    run, operations = life.head.started, _since_plan(life)
    request = StepRequest(
        agent=life.head.agent,
        reference=life.head.log.reference,
        run=run.spec,
        step=run.step,
        seq=life.next_seq(),
        since=None if operations is None else life.planned,
        operations=operations or (),
        boot=not life.booted,
        news=life.told(),
        children=run.children,
    )
    life.status_told = Status.RUNNING if run.step == 0 else life.status_told
    plan = await life.ended(gate.model_step(request, run.step + 1))
    life.took(plan.but(record=request.record))
    life.planned, life.booted = life.head.log.position, True
    if plan.saved is not None:
        confirm(life, plan.saved)


def _since_plan(life: Life) -> tuple[Operation, ...] | None:
    """The operations since the last plan, where they are few enough to travel in the argument."""
    operations = life.head.log.since(life.planned)
    if operations is None or sum(len(canonical(operation)) for operation in operations) > ARGUMENT_BYTES:
        return None
    return operations


async def run_calls(life: Life, calls: tuple[CallState, ...]) -> None:
    """Run calls; what ended before a cancel keeps its result."""
    batch = Batch(calls, lambda call: _start(life, call), life.head.limits.calls_at_once)
    life.below.calls = batch.handles
    await life.until(lambda: batch.done)
    if not batch.done:
        life.broken = True  # parked sub-agents are gone then, and with them what a message has broken off
        batch.stop()
        await life.within(BREAK_OFF, lambda: batch.done)
    life.below.calls = {}
    life.took(CallsDone(results=batch.results))
    if batch.done:
        batch.check()
    for result in batch.results.values():
        for text in result.queued:
            life.note(NewMessage(content=text, by="tool"))


def _start(life: Life, call: CallState) -> asyncio.Task[CallResult]:
    if call.plan.child is not None:
        return asyncio.create_task(children.send(life, call))
    gate_of = next((one for one in life.head.interrupts if one.tool_call_id == call.plan.call_id), None)
    request = CallRequest(
        agent=life.head.agent,
        reference=life.head.log.reference,
        run_id=life.head.started.spec.id,
        record=life.head.started.record,
        call_id=call.plan.call_id,
        name=call.plan.name,
        arguments=call.arguments,
        approved=call.plan.approval is not None,
        expired=gate_of is not None and gate_of.status is InterruptStatus.EXPIRED,
        on_worker_loss=call.plan.on_worker_loss,
    )
    return gate.tool_call(request, call.plan)


async def answer(life: Life, interrupt: Interrupt) -> None:
    """Hand a decision to the agent's middleware."""
    assert interrupt.decision is not None, "only a decided interrupt is answered"
    request = AnswerRequest(
        agent=life.head.agent,
        reference=life.head.log.reference,
        run_id=life.head.started.spec.id,
        interrupt=interrupt,
        decision=interrupt.decision,
    )
    answered = await life.ended(gate.answer(request))
    life.took(AnswerDone(interrupt_id=interrupt.id, answered=answered))


async def settle(life: Life) -> None:
    """Run the hooks at the end of a run that a tool has ended."""
    head = life.head
    request = SettleRequest(agent=head.agent, reference=head.log.reference, run=head.started.spec, seq=life.next_seq())
    settled = await life.ended(gate.settle(request))
    life.took(settled)
    if settled.saved is not None:
        confirm(life, settled.saved)


async def restore(life: Life, command: RestoreState) -> None:
    """Put a deposited export in the place of the state; what was asked and what was queued in it is so again (B-66)."""
    request = RestoreRequest(agent=life.head.agent, reference=life.head.log.reference, key=command.key)
    restored = await life.ended(gate.restore(request))
    life.problem = restored.problem
    if restored.problem is None:
        life.resumed()  # who decided meanwhile was told that it counts
        life.took(WasRestored(restored=restored, run=RunSpec(id=life.next_run_id)))
        life.tell("state_restored", message_count=life.head.log.message_count)
    if restored.pending_message is not None:
        alone = not life.mail.starts_run
        life.mail.put_back(restored.pending_message)
        if alone and life.head.status is Status.INTERRUPTED:  # it waited for the question, which is open again
            life.clocks = life.clocks.but(held=life.mail.starts)


async def notify(life: Life, command: NotifyMiddleware) -> None:
    """Let a middleware act on a message (B-27)."""
    request = NotifyRequest(
        agent=life.head.agent,
        reference=life.head.log.reference,
        middleware=command.middleware,
        message=command.message,
    )
    notified = await life.ended(gate.notify(request))
    life.problem = notified.problem or life.problem
    if notified.operations:
        life.took(Changed(operations=notified.operations))
