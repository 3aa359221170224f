"""AgentWorkflow: one agent, one workflow. Handlers take notes, queries read, `run` supervises the loop."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from sagents_workflows import children, ruling, views
from sagents_workflows.announcing import announce
from sagents_workflows.life import BREAK_OFF, Life
from sagents_workflows.work import WayOut, work

with workflow.unsafe.imports_passed_through():
    from sagents import contract
    from sagents.carried import Farewell, Page, PageRequest
    from sagents.clipping import clipped
    from sagents.commands import NewMessage, Note, Resume, Stop
    from sagents.contract import Accepted, AgentInfo, Inactivity, InterruptView, StartAgent, StateView
    from sagents.errors import (
        AgentBusy,
        CannotCancel,
        CannotDismiss,
        CannotExecute,
        CannotRestore,
        CannotResume,
        DecisionRefused,
        Fresh,
        InvalidInput,
        SagentsError,
    )
    from sagents.lifecycle import MILLISECOND, Lifecycle, WhileInterrupted, WhileRunning
    from sagents.messages import Message
    from sagents.plan import CallResult
    from sagents.principal import Who
    from sagents.status import Status
    from sagents.todo import Todo
    from sagents.viewers import Viewer

FRESH = timedelta(seconds=10)
"""A touch within this of the last activity changes nothing, so it enters no history."""


@workflow.defn(name=contract.AGENT_WORKFLOW)
class AgentWorkflow:
    """The wire contract is in `sagents.contract`; what an agent does is in `sagents.loop`."""

    @workflow.init
    def __init__(self, *payloads: Any) -> None:
        start, problem = _start(payloads)
        self.life = Life(start, workflow.info().workflow_id, problem)

    @workflow.run
    async def run(self, *payloads: Any) -> Farewell | CallResult:  # noqa: ARG002 # `__init__` has read it
        self.announcing = asyncio.create_task(announce(self.life))
        working = asyncio.create_task(work(self.life))
        while True:
            try:
                await workflow.wait_condition(working.done)
            except asyncio.CancelledError:
                patience = None if self.life.head.agent.sub is None else 0
                self.life.note(Stop(reason="cancelled_by_operator", patience_ms=patience))
                continue
            way_out = working.result()  # no await from here to the command
            if self.at_boundary(way_out):
                return self.leave(way_out)
            await self._quiet_or_news()
            working = asyncio.create_task(work(self.life))

    async def _quiet_or_news(self) -> None:
        """News are acted on, whoever else is still being answered."""
        notes = self.life.mail.notes
        await workflow.wait_condition(lambda: self._is_quiet() or self.life.mail.notes != notes)

    def _is_quiet(self) -> bool:
        return workflow.all_handlers_finished() and not (self.life.announcing or self.life.reporting)

    def at_boundary(self, way_out: WayOut) -> bool:
        """Whether nothing would be lost: all is saved, no handler and no announcement is under way."""
        life = self.life
        if life.entries or not self._is_quiet():
            return False
        if life.result is not None:
            return True
        if not life.head.log.is_saved:
            return False
        return way_out is WayOut.RENEW or life.stored_notes == life.mail.notes

    def leave(self, way_out: WayOut) -> Farewell | CallResult:
        life = self.life
        if life.result is not None:
            return life.result
        if way_out is WayOut.RENEW:
            workflow.continue_as_new(StartAgent(agent=life.head.agent.name, carried=life.carried))
        return Farewell(agent_id=life.head.agent.agent_id, reason=life.leaving or "", status=life.head.status)

    def note(self, note: Note) -> None:
        """Take an update's note; the loop acts on it."""
        self.life.updates += 1
        self.life.note(note)

    # ── signals: never refused, so what cannot be read is said in the details ─────────────────────────────────

    @workflow.signal(name=contract.ADD_MESSAGE)
    def signal_message(self, *payloads: Any) -> None:
        self._take(contract.parse_message, payloads)

    @workflow.signal(name=contract.RESUME)
    async def signal_resume(self, *payloads: Any) -> None:
        with self._explained():
            command = await children.forward(self.life, contract.parse_resume(contract.only(payloads)))
            if command is None:
                return
            if ruling.is_plain(command) and not self.life.awake:  # it is in hand when the agent wakes (B-123)
                self.life.note(command.but(who=Who(at=workflow.now())))
                return
            await ruling.decide(self.life, command)

    @workflow.signal(name=contract.CHILD_WAITS)
    def signal_child(self, *payloads: Any) -> None:
        with self._explained():
            self.life.heard(contract.parse_child(contract.only(payloads)))

    @workflow.signal(name=contract.CANCEL)
    def signal_cancel(self, *payloads: Any) -> None:
        self._take(contract.parse_cancel, payloads)

    @workflow.signal(name=contract.STOP)
    def signal_stop(self, *payloads: Any) -> None:
        self._take(contract.parse_stop, payloads)

    @workflow.signal(name=contract.RESET)
    def signal_reset(self, *payloads: Any) -> None:
        self._take(contract.parse_reset, payloads)

    @workflow.signal(name=contract.TOUCH)
    def signal_touch(self, *payloads: Any) -> None:  # noqa: ARG002 # CLIs send an empty object
        if not self._is_fresh:
            self._touched()

    @workflow.signal(name=contract.DISMISS_INTERRUPT)
    def signal_dismiss(self, *payloads: Any) -> None:
        self._take(contract.parse_dismiss, payloads)

    @workflow.signal(name=contract.NOTIFY_MIDDLEWARE)
    def signal_notify(self, *payloads: Any) -> None:
        self._take(contract.parse_notify, payloads)

    @workflow.signal(name=contract.CONFIGURE)
    def signal_configure(self, *payloads: Any) -> None:
        self._take(contract.parse_configure, payloads)

    @workflow.signal(name=contract.VIEWER_JOINED)
    def signal_joined(self, *payloads: Any) -> None:
        with self._explained():
            joined = contract.parse_viewer_joined(contract.only(payloads))
            lease = timedelta(milliseconds=joined.lease_ms) if joined.lease_ms else None
            now = workflow.now()
            viewer = Viewer(
                viewer=joined.viewer,
                joined_at=now,
                connections=(joined.connection,),
                until=now + lease if lease else None,
                metadata=joined.metadata,
            )
            self.life.set_viewers(self.life.viewers.joined(viewer))
            self._touched()

    @workflow.signal(name=contract.VIEWER_LEFT)
    def signal_left(self, *payloads: Any) -> None:
        with self._explained():
            left = contract.parse_viewer_left(contract.only(payloads))
            self.life.set_viewers(self.life.viewers.left(left.viewer, left.connection))
            self.life.mail.count()

    def _take(self, parse: Callable[[Any], Note], payloads: tuple[Any, ...]) -> None:
        """As many payloads as somebody has sent: with a fixed number, one more would fail the task for ever."""
        with self._explained():
            note = parse(contract.only(payloads))
            if isinstance(note, NewMessage) and (busy := self._busy()):
                raise InvalidInput(str(busy))
            self.life.note(note)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """A signal cannot be refused: what is wrong with it is said in the details and the info."""
        self.life.signals += 1
        try:
            yield
        except (InvalidInput, CannotResume) as error:
            self.life.problem = clipped(str(error))

    @property
    def _is_fresh(self) -> bool:
        active_at = self.life.clocks.active_at
        return active_at is not None and workflow.now() - active_at < FRESH

    def _touched(self) -> None:
        self.life.stir()
        self.life.mail.count()

    def _busy(self) -> AgentBusy | None:
        """Why a message is not taken now, where the lifecycle refuses it."""
        life = self.life
        status = Status.INTERRUPTED if life.below.are_parked else life.head.status
        rejects = (status.is_running and life.lifecycle.while_running is WhileRunning.REJECT) or (
            status is Status.INTERRUPTED and life.lifecycle.while_interrupted is WhileInterrupted.REJECT
        )
        return AgentBusy(self._id, status) if rejects else None

    # ── updates: checked first, so what is refused never enters history; none waits for a run to end ──────────

    @workflow.update(name=contract.ADD_MESSAGE)
    def add_message(self, payload: Any = None) -> Accepted:
        message = contract.parse_message(payload)
        self.note(message)
        return Accepted(id=message.id)

    @add_message.validator
    def _check_message(self, payload: Any = None) -> None:
        _parsed(contract.parse_message, payload)
        if busy := self._busy():
            _refuse(busy)

    @workflow.update(name=contract.EXECUTE)
    async def execute(self, payload: Any = None) -> Accepted:
        command = contract.parse_execute(payload)
        await self._awake()
        if not self.life.status.takes_execute:
            _refuse(CannotExecute(self._id, self.life.status))
        self.note(command)
        return Accepted(id=command.id)

    @execute.validator
    def _check_execute(self, payload: Any = None) -> None:
        _parsed(contract.parse_execute, payload)
        if self.life.awake and not self.life.status.takes_execute:
            _refuse(CannotExecute(self._id, self.life.status))

    @workflow.update(name=contract.RESUME)
    async def resume(self, payload: Any = None) -> Accepted:
        return await self._decided(contract.parse_resume(payload))

    @resume.validator
    def _check_resume(self, payload: Any = None) -> None:
        self._check_decisions(_parsed(contract.parse_resume, payload))

    @workflow.update(name=contract.DECIDE)
    async def decide(self, payload: Any = None) -> Accepted:
        return await self._decided(contract.parse_decide(payload))

    @decide.validator
    def _check_decide(self, payload: Any = None) -> None:
        self._check_decisions(_parsed(contract.parse_decide, payload))

    async def _decided(self, command: Resume) -> Accepted:
        self.life.updates += 1
        try:
            return Accepted(decisions=await ruling.decide(self.life, command))
        except CannotResume as error:
            _refuse(error)

    @workflow.update(name=contract.CANCEL)
    async def cancel(self, payload: Any = None) -> Accepted:
        command = contract.parse_cancel(payload)
        await self._awake()
        if not self._can_cancel:
            _refuse(CannotCancel(self._id, self.life.status))
        self.note(command)
        return Accepted(status=Status.CANCELLED)

    @cancel.validator
    def _check_cancel(self, payload: Any = None) -> None:
        _parsed(contract.parse_cancel, payload)
        if self.life.awake and not self._can_cancel:
            _refuse(CannotCancel(self._id, self.life.status))

    @property
    def _can_cancel(self) -> bool:
        return self.life.status.is_running or self.life.below.are_parked

    @workflow.update(name=contract.STOP)
    def stop(self, payload: Any = None) -> Accepted:
        self.note(contract.parse_stop(payload))
        stops_at = self.life.stops_at or workflow.now()
        within = max(stops_at - workflow.now(), timedelta()) + BREAK_OFF
        return Accepted(status=self.life.status, run_ends_within_ms=within // MILLISECOND)

    @stop.validator
    def _check_stop(self, payload: Any = None) -> None:
        _parsed(contract.parse_stop, payload)

    @workflow.update(name=contract.TOUCH)
    def touch(self, payload: Any = None) -> Accepted:  # noqa: ARG002
        self._touched()
        return Accepted(status=self.life.status)

    @touch.validator
    def _check_touch(self, payload: Any = None) -> None:  # noqa: ARG002
        if self._is_fresh:
            _refuse(Fresh(self._id, self.life.status))

    @workflow.update(name=contract.RESET)
    def reset(self, payload: Any = None) -> Accepted:
        self.note(contract.parse_reset(payload))
        return Accepted(status=Status.IDLE)

    @reset.validator
    def _check_reset(self, payload: Any = None) -> None:
        _parsed(contract.parse_reset, payload)

    @workflow.update(name=contract.RESTORE_STATE)
    async def restore_state(self, payload: Any = None) -> Accepted:
        command = contract.parse_restore(payload)
        await self._awake()
        if self._can_cancel:
            _refuse(CannotRestore(self._id, self.life.status))
        self.note(command)
        return Accepted(status=Status.IDLE)

    @restore_state.validator
    def _check_restore(self, payload: Any = None) -> None:
        _parsed(contract.parse_restore, payload)
        if self.life.awake and self._can_cancel:
            _refuse(CannotRestore(self._id, self.life.status))

    @workflow.update(name=contract.CONFIGURE)
    def configure(self, payload: Any = None) -> Accepted:
        self.note(contract.parse_configure(payload))
        return Accepted(status=self.life.status)

    @configure.validator
    def _check_configure(self, payload: Any = None) -> None:
        _parsed(contract.parse_configure, payload)

    @workflow.update(name=contract.DISMISS_INTERRUPT)
    async def dismiss_interrupt(self, payload: Any = None) -> Accepted:
        command = contract.parse_dismiss(payload)
        await self._awake()
        if not any(interrupt.reason == "halt" for interrupt in self.life.head.open_interrupts):
            _refuse(CannotDismiss(self._id, self.life.head.status))
        self.note(command)
        return Accepted(status=Status.IDLE)

    @dismiss_interrupt.validator
    def _check_dismiss(self, payload: Any = None) -> None:
        _parsed(contract.parse_dismiss, payload)

    @property
    def _id(self) -> str:
        return workflow.info().workflow_id

    async def _awake(self) -> None:
        await workflow.wait_condition(lambda: self.life.awake)

    def _check_decisions(self, command: Resume) -> None:
        if self.life.awake:
            try:
                ruling.check(self.life, command)
            except CannotResume as error:
                _refuse(error)

    # ── queries ───────────────────────────────────────────────────────────────────────────────────────────────

    @workflow.query(name=contract.STATUS)
    def status(self) -> Status:
        return self.life.status

    @workflow.query(name=contract.INFO)
    def info(self) -> AgentInfo:
        return views.info(self.life)

    @workflow.query(name=contract.STATE)
    def state(self) -> StateView:
        return views.state(self.life)

    @workflow.query(name=contract.MESSAGES)
    def messages(self) -> tuple[Message, ...]:
        return self.life.head.log.window

    @workflow.query(name=contract.TODOS)
    def todos(self) -> tuple[Todo, ...]:
        return self.life.head.log.todos

    @workflow.query(name=contract.INTERRUPTS)
    def interrupts(self) -> tuple[InterruptView, ...]:
        return views.interrupts(self.life)

    @workflow.query(name=contract.INACTIVITY)
    def inactivity(self) -> Inactivity:
        return views.inactivity(self.life)

    @workflow.query(name=contract.PAGE)
    def page(self, request: PageRequest) -> Page:
        return views.page(self.life, request)


@workflow.defn(name=contract.SUB_AGENT_WORKFLOW)
class SubAgentWorkflow(AgentWorkflow):
    """An agent that another one has sent: it has one run, and what comes of it is the workflow's result."""

    @workflow.init
    def __init__(self, *payloads: Any) -> None:
        super().__init__(*payloads)

    @workflow.run
    async def run(self, *payloads: Any) -> Farewell | CallResult:
        if self.life.head.agent.sub is None:
            raise ApplicationError("A sub-agent is started by its parent.", type="InvalidInput", non_retryable=True)
        self.reporting = asyncio.create_task(children.report(self.life))
        return await super().run(*payloads)


def _start(payloads: tuple[Any, ...]) -> tuple[StartAgent, str | None]:
    """A start that cannot be read still makes an agent, which says so: a message may be on its way to it."""
    start = StartAgent()
    try:
        start = contract.parse_start(contract.only(payloads))
        Lifecycle.from_wire(start.lifecycle)
    except InvalidInput as error:
        return start.but(lifecycle={}), clipped(str(error))
    return start, None


def _parsed(parse: Any, payload: Any) -> Any:
    try:
        return parse(payload)
    except InvalidInput as error:
        _refuse(error)


def _refuse(error: SagentsError) -> NoReturn:
    """An update's typed refusal; clients read `type` and the status in the details.

    It is brief, traceback included: Temporal takes 2 MiB of it, and what it is about may be larger.
    """
    details = [getattr(error, "status", None)]
    if isinstance(error, DecisionRefused):
        details.append({"interrupt_id": clipped(error.interrupt_id), "pointer": clipped(error.pointer)})
    raise ApplicationError(clipped(str(error)), *details, type=type(error).__name__, non_retryable=True) from None
