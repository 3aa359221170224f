"""An agent's life: one loop that acts on notes and on what the head asks for. Everything it awaits passes the gate."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar, assert_never

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError
from temporalio.workflow import ActivityHandle

from sagents_workflows import gate, visibility
from sagents_workflows.alarm import Alarm
from sagents_workflows.batch import Batch
from sagents_workflows.mail import Mail

with workflow.unsafe.imports_passed_through():
    from sagents.carried import ARGUMENT_BYTES, Carried
    from sagents.commands import Cancel, Resume, Stop
    from sagents.contract import StartAgent
    from sagents.deciding import matched
    from sagents.decisions import Decision
    from sagents.errors import CannotResume
    from sagents.head import CallState, Head
    from sagents.interrupts import Interrupt
    from sagents.lifecycle import Lifecycle
    from sagents.loop import (
        Action,
        Answer,
        AnswerDone,
        AskModel,
        CallsDone,
        Cancelled,
        Continued,
        Failed,
        Park,
        Rest,
        Result,
        RunCalls,
        Settle,
        Started,
        apply,
        next_action,
    )
    from sagents.operations import AddMessages, Operation, canonical
    from sagents.plan import (
        AgentRef,
        AnswerRequest,
        CallRequest,
        CallResult,
        RunError,
        RunSpec,
        Saved,
        SaveRequest,
        SettleRequest,
        StepRequest,
        WakeRequest,
    )
    from sagents.status import Status

T = TypeVar("T")

BREAK_OFF = timedelta(seconds=25)
"""What running work has to end in once it is cancelled; then the loop goes on without it."""

TRY_AGAIN = timedelta(seconds=60)
"""After a save or a waking that failed for good, unless news come earlier."""


class WayOut(StrEnum):
    """Why the loop returns."""

    LEAVE = "leave"
    RENEW = "renew"


class Life:
    """Head, mailbox and clock of one agent in one workflow run."""

    def __init__(self, start: StartAgent, agent_id: str) -> None:
        carried = start.carried
        self.head = carried.head if carried else _fresh(start, agent_id)
        self.mail = Mail(carried.mailbox, carried.answers, carried.notes) if carried else Mail()
        self.awake = carried is not None
        self.problem: str | None = None
        self.alarm = Alarm()
        self.active_at = workflow.now()
        self.stored_notes = -1
        self.failing = False
        self.leaving: Stop | None = None
        self._start = start
        self._dirty = False
        self._planned = self.head.log.position
        self._shown = workflow.info().typed_search_attributes

    @property
    def carried(self) -> Carried:
        """All of the agent but its transcript, as it is now."""
        mail = self.mail
        return Carried(head=self.head, mailbox=tuple(mail.waiting), answers=mail.answers, notes=mail.notes)

    @property
    def status(self) -> Status:
        """As people see it: a message that was taken counts as running before the loop has moved."""
        if not self.head.status.is_running and self.mail.starts_run:
            return Status.RUNNING
        return Status.ERROR if self.failing and self.head.status is Status.IDLE else self.head.status

    async def work(self) -> WayOut:
        """Live until there is a reason to leave or to continue as new. Waits for nothing but news while at rest."""
        await self.wake()
        while True:
            self.deliver()
            workflow.set_current_details(visibility.details(self.head, self.status, self.problem))
            if way_out := await self.act(next_action(self.head)):
                return way_out

    async def act(self, action: Action) -> WayOut | None:
        match action:
            case Rest() | Park():
                return await self.rest()
            case AskModel():
                if way_out := await self.before_model():
                    return way_out
                await self.guarded(self.ask())
            case RunCalls():
                await self.guarded(self.run_calls(action.calls))
            case Answer():
                await self.guarded(self.answer(action.interrupt))
            case Settle():
                await self.guarded(self.settle())
            case _:
                assert_never(action)
        return None

    # ── notes become state, at boundaries only ────────────────────────────────────────────────────────────────

    def deliver(self) -> None:
        """Act on what waits, as far as the head is at a boundary for it."""
        for resume in self.mail.resumes():
            self.resume(resume)
        if self.head.status.is_running:
            return
        self.mail.cancels()
        self.leaving = self.mail.stop() or self.leaving
        if self.leaving is None:
            self._start_run()

    def _start_run(self) -> None:
        messages = tuple(note.message for note in self.mail.messages())
        execute = self.mail.execute()
        if messages:
            self.took(Started(run=RunSpec(id=self._run_id()), messages=messages))
        elif execute is not None and self.head.status.takes_execute:
            self.took(Started(run=execute.run(self._run_id())))
        else:
            return
        self.active_at = workflow.now()

    def resume(self, resume: Resume) -> None:
        """Decide what waits for it, or go on after a pause; what does not fit leaves everything as it was."""
        try:
            decided = matched(self.head, resume) if resume.decisions or self.head.open_interrupts else ()
        except CannotResume as error:
            self.problem = str(error)
            return
        for decision in decided:
            self.took(decision)
        if not decided and self.head.status is Status.PAUSED:
            self.took(Continued())
        self.active_at = workflow.now()

    def took(self, result: Result) -> None:
        """The head after a result; interrupts get the time they were made."""
        head = apply(self.head, result)
        stamped = tuple(i if i.created_at else i.but(created_at=workflow.now()) for i in head.interrupts)
        self.head = head.but(interrupts=stamped)
        self._dirty = True

    def _run_id(self) -> str:
        """From the log alone, so that a run that is repeated after a reset finds its step records."""
        return f"run_{self.head.runs + 1}_{self.head.log.digest[:8]}"

    # ── at rest ───────────────────────────────────────────────────────────────────────────────────────────────

    async def rest(self) -> WayOut | None:
        """Save what is new, then wait for news, a deadline, or a history that has grown too long."""
        if self._dirty and not await self.save():
            return None
        self._set_alarm()
        if self._leaves():
            is_stored = self.stored_notes == self.mail.notes or await self.save()
            return WayOut.LEAVE if is_stored else None
        if self._is_long(self.head.limits.parked_events):
            return WayOut.RENEW
        self._show()
        await workflow.wait_condition(lambda: bool(self.mail.waiting) or self._leaves())
        return None

    def _leaves(self) -> bool:
        return self.leaving is not None or (self.alarm.rang and not self.mail.waiting)

    def _set_alarm(self) -> None:
        patience = Lifecycle.from_wire(self.head.lifecycle).inactivity_timeout
        never = patience is None or self.head.status in (Status.INTERRUPTED, Status.PAUSED)
        self.alarm.set(None if never or patience is None else self.active_at + patience)

    def _show(self) -> None:
        """Tell visibility, where what it knows has changed: an event of history, so only at rest."""
        shown = visibility.attributes(self.head, self.status)
        if shown != self._shown:
            workflow.upsert_search_attributes(shown)
            self._shown = shown

    def _is_long(self, events: int) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() >= events

    # ── what the head asks for ────────────────────────────────────────────────────────────────────────────────

    async def before_model(self) -> WayOut | None:
        """Between two steps: keep the tail short, and the history."""
        renews = self._is_long(self.head.limits.events)
        if not self.head.log.is_saved and (renews or self.head.log.tail_bytes > self.head.limits.tail_bytes):
            await self.save()
        return WayOut.RENEW if renews and self.head.log.is_saved else None

    async def ask(self) -> None:
        run = self.head.started
        self.head = self.head.but(seq=self.head.seq + 1)
        operations = self._since_plan()
        request = StepRequest(
            agent=self.head.agent,
            reference=self.head.log.reference,
            run=run.spec,
            step=run.step,
            seq=self.head.seq,
            since=None if operations is None else self._planned,
            operations=operations or (),
        )
        plan = await self.ended(gate.model_step(request, run.step + 1))
        self.took(plan)
        self._planned = self.head.log.position
        if plan.saved is not None:
            self.confirm(plan.saved)

    def _since_plan(self) -> tuple[Operation, ...] | None:
        """The operations since the last plan, where they are few enough to travel in the argument."""
        operations = self.head.log.since(self._planned)
        if operations is None or sum(len(canonical(operation)) for operation in operations) > ARGUMENT_BYTES:
            return None
        return operations

    async def run_calls(self, calls: tuple[CallState, ...]) -> None:
        batch = Batch(calls, self._start_call, self.head.limits.calls_at_once)
        await workflow.wait_condition(lambda: batch.done or self.breaking)
        if not batch.done:
            batch.stop()
            await self._within(BREAK_OFF, lambda: batch.done)
        self.took(CallsDone(results=batch.results))
        if batch.done:
            batch.check()

    def _start_call(self, call: CallState) -> ActivityHandle[CallResult]:
        request = CallRequest(
            agent=self.head.agent,
            reference=self.head.log.reference,
            run_id=self.head.started.spec.id,
            record=self.head.started.record,
            call_id=call.plan.call_id,
            name=call.plan.name,
            arguments=call.arguments,
            on_worker_loss=call.plan.on_worker_loss,
        )
        return gate.tool_call(request, call.plan)

    async def answer(self, interrupt: Interrupt) -> None:
        decision: Decision | None = interrupt.decision
        assert decision is not None, "only a decided interrupt is answered"
        request = AnswerRequest(
            agent=self.head.agent,
            reference=self.head.log.reference,
            run_id=self.head.started.spec.id,
            interrupt=interrupt,
            decision=decision,
        )
        answered = await self.ended(gate.answer(request))
        self.took(AnswerDone(interrupt_id=interrupt.id, answered=answered))

    async def settle(self) -> None:
        self.head = self.head.but(seq=self.head.seq + 1)
        request = SettleRequest(
            agent=self.head.agent, reference=self.head.log.reference, run=self.head.started.spec, seq=self.head.seq
        )
        settled = await self.ended(gate.settle(request))
        self.took(settled)
        if settled.saved is not None:
            self.confirm(settled.saved)

    # ── waking and saving ─────────────────────────────────────────────────────────────────────────────────────

    async def wake(self) -> None:
        """Take over as the agent's writer. Its own earlier head wins over what the start said."""
        while not self.awake:
            try:
                woken = await gate.wake(WakeRequest(agent=self.head.agent))
            except FailureError as error:
                await self._hold(error)
                continue
            self.problem, self.failing = woken.problem, False
            carried = woken.carried
            if carried is not None:
                self.mail.restore(carried.mailbox, carried.answers, carried.notes)
                self.head = carried.head
            else:
                self._begin(woken.agent)
            self.head = self.head.but(limits=woken.limits)
            self._planned, self.awake = self.head.log.position, True

    def _begin(self, name: str) -> None:
        """A new agent. Messages that it starts with are its past: starting does not run (REQUIREMENTS 4.5, row 19)."""
        self.head = self.head.but(agent=self.head.agent.but(name=name))
        if self._start.messages:
            self.head = self.head.with_operations(AddMessages(messages=self._start.messages))
            self._dirty = True

    async def save(self) -> bool:
        """Save, and say whether it worked. What failed for good is tried again after a while or with the next note."""
        self.head = self.head.but(seq=self.head.seq + 1)
        try:
            saved = await gate.save(SaveRequest(agent_id=self.head.agent.agent_id, seq=self.head.seq))
        except FailureError as error:
            await self._hold(error)
            return False
        self.problem, self.failing = None, False
        self.confirm(saved)
        return True

    def confirm(self, saved: Saved) -> None:
        self.head = self.head.but(log=self.head.log.confirmed(saved.base))
        self.stored_notes = saved.notes
        self._dirty = not self.head.log.is_saved

    async def _hold(self, error: FailureError) -> None:
        """Say what is wrong, and wait for news or a while."""
        self.problem, self.failing = _words(error), True
        notes = self.mail.notes
        await self._within(TRY_AGAIN, lambda: self.mail.notes != notes)

    # ── being stopped ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def breaking(self) -> bool:
        return self.mail.has(Cancel, Stop)

    async def ended(self, handle: ActivityHandle[T]) -> T:
        """What an activity returns; cancelled on request, and then left behind if it does not end in time."""
        await workflow.wait_condition(lambda: handle.done() or self.breaking)
        if not handle.done():
            handle.cancel()
            await self._within(BREAK_OFF, handle.done)
        if not handle.done():
            raise TimeoutError("cancelled work did not end in time and was left behind")
        return handle.result()

    async def guarded(self, work: Awaitable[None]) -> None:
        """The one place where a failure becomes an ending: the run stops, the agent lives on."""
        try:
            await work
        except (FailureError, TimeoutError) as error:
            if not self.breaking:
                self.took(Failed(error=RunError(type=_type(error), message=_words(error))))
        if self.breaking and self.head.status.is_running:
            self.took(Cancelled())
        self.mail.cancels()
        self.active_at = workflow.now()

    async def _within(self, limit: timedelta, condition: Callable[[], bool]) -> None:
        try:
            await workflow.wait_condition(condition, timeout=limit)
        except TimeoutError:
            return


def _fresh(start: StartAgent, agent_id: str) -> Head:
    agent = AgentRef(
        name=start.agent,
        agent_id=agent_id,
        conversation_id=start.conversation_id,
        scope=start.scope,
        options=start.options,
    )
    return Head(agent=agent, lifecycle=start.lifecycle, created_at=workflow.now())


def _type(error: Exception) -> str:
    cause = error.cause if isinstance(error, ActivityError) else error
    return (cause.type if isinstance(cause, ApplicationError) else None) or type(cause).__name__


def _words(error: Exception) -> str:
    cause = error.cause if isinstance(error, ActivityError) else error
    return str(cause or error)
