"""AgentWorkflow: one agent, one workflow. Handlers take notes, queries read, `run` supervises the loop."""

import asyncio
from typing import Any, NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from sagents_workflows import views
from sagents_workflows.life import Life
from sagents_workflows.work import WayOut, work

with workflow.unsafe.imports_passed_through():
    from sagents import contract
    from sagents.carried import Farewell, Page, PageRequest
    from sagents.clipping import clipped
    from sagents.commands import Note, Resume, Stop
    from sagents.contract import Accepted, AgentInfo, InterruptView, StartAgent, StateView
    from sagents.deciding import matched
    from sagents.errors import CannotCancel, CannotExecute, CannotResume, InvalidInput, SagentsError
    from sagents.lifecycle import Lifecycle
    from sagents.messages import Message
    from sagents.status import Status
    from sagents.todo import Todo


@workflow.defn(name=contract.AGENT_WORKFLOW)
class AgentWorkflow:
    """The wire contract is in `sagents.contract`; what an agent does is in `sagents.loop`."""

    @workflow.init
    def __init__(self, *payloads: Any) -> None:
        start, problem = _start(payloads)
        self.life = Life(start, workflow.info().workflow_id, problem)

    @workflow.run
    async def run(self, *payloads: Any) -> Farewell:  # noqa: ARG002 # `__init__` has read it
        working = asyncio.create_task(work(self.life))
        while True:
            try:
                await workflow.wait_condition(working.done)
            except asyncio.CancelledError:
                self.life.mail.put(Stop(reason="cancelled_by_operator"))
                continue
            way_out = working.result()  # no await from here to the command
            if self.at_boundary(way_out):
                return self.leave(way_out)
            await workflow.wait_condition(workflow.all_handlers_finished)
            working = asyncio.create_task(work(self.life))

    def at_boundary(self, way_out: WayOut) -> bool:
        """Whether nothing would be lost: all is saved, and no handler is under way."""
        life = self.life
        if not (life.head.log.is_saved and workflow.all_handlers_finished()):
            return False
        return way_out is WayOut.RENEW or life.stored_notes == life.mail.notes

    def leave(self, way_out: WayOut) -> Farewell:
        life = self.life
        if way_out is WayOut.RENEW:
            workflow.continue_as_new(StartAgent(agent=life.head.agent.name, carried=life.carried))
        reason = life.leaving.reason if life.leaving else "inactivity"
        return Farewell(agent_id=life.head.agent.agent_id, reason=reason, status=life.status)

    def note(self, note: Note) -> None:
        """Take an update's note; the loop acts on it."""
        self.life.updates += 1
        self.life.mail.put(note)

    # ── signals: never refused, so what cannot be read is said in the details ─────────────────────────────────

    @workflow.signal(name=contract.ADD_MESSAGE)
    def signal_message(self, *payloads: Any) -> None:
        self._take(contract.parse_message, payloads)

    @workflow.signal(name=contract.RESUME)
    def signal_resume(self, *payloads: Any) -> None:
        self._take(contract.parse_resume, payloads)

    @workflow.signal(name=contract.CANCEL)
    def signal_cancel(self, *payloads: Any) -> None:
        self._take(contract.parse_cancel, payloads)

    @workflow.signal(name=contract.STOP)
    def signal_stop(self, *payloads: Any) -> None:
        self._take(contract.parse_stop, payloads)

    def _take(self, parse: Any, payloads: tuple[Any, ...]) -> None:
        """As many payloads as somebody has sent: with a fixed number, one more would fail the task for ever."""
        self.life.signals += 1
        try:
            self.life.mail.put(parse(contract.only(payloads)))
        except InvalidInput as error:
            self.life.problem = clipped(str(error))

    # ── updates: checked first, so what is refused never enters history; none waits for a run to end ──────────

    @workflow.update(name=contract.ADD_MESSAGE)
    def add_message(self, payload: Any = None) -> Accepted:
        message = contract.parse_message(payload)
        self.note(message)
        return Accepted(id=message.id)

    @add_message.validator
    def _check_message(self, payload: Any = None) -> None:
        _parsed(contract.parse_message, payload)

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
        command = contract.parse_resume(payload)
        await self._awake()
        self._check_decisions(command)
        self.note(command)
        return Accepted()

    @resume.validator
    def _check_resume(self, payload: Any = None) -> None:
        command = _parsed(contract.parse_resume, payload)
        if self.life.awake:
            self._check_decisions(command)

    @workflow.update(name=contract.CANCEL)
    async def cancel(self, payload: Any = None) -> Accepted:
        command = contract.parse_cancel(payload)
        await self._awake()
        if not self.life.status.is_running:
            _refuse(CannotCancel(self._id, self.life.status))
        self.note(command)
        return Accepted(status=Status.CANCELLED)

    @cancel.validator
    def _check_cancel(self, payload: Any = None) -> None:
        _parsed(contract.parse_cancel, payload)
        if self.life.awake and not self.life.status.is_running:
            _refuse(CannotCancel(self._id, self.life.status))

    @workflow.update(name=contract.STOP)
    def stop(self, payload: Any = None) -> Accepted:
        self.note(contract.parse_stop(payload))
        return Accepted(status=self.life.status)

    @stop.validator
    def _check_stop(self, payload: Any = None) -> None:
        _parsed(contract.parse_stop, payload)

    @property
    def _id(self) -> str:
        return workflow.info().workflow_id

    async def _awake(self) -> None:
        await workflow.wait_condition(lambda: self.life.awake)

    def _check_decisions(self, command: Resume) -> None:
        """Against the interrupts as they are once the decisions that already wait are made."""
        head = self.life.head
        if not command.decisions and head.status is Status.PAUSED:
            return
        if self.life.mail.has(Resume):
            _refuse(CannotResume(self._id, head.status, "Another decision was just made; look again"))
        try:
            matched(head, command)
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

    @workflow.query(name=contract.PAGE)
    def page(self, request: PageRequest) -> Page:
        return views.page(self.life, request)


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
    status, kind = getattr(error, "status", None), type(error).__name__
    raise ApplicationError(clipped(str(error)), status, type=kind, non_retryable=True) from None
