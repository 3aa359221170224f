"""An agent in one workflow run: its head, its mailbox, its clock. What happens to them is in `work` and `acting`."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError
from temporalio.workflow import ActivityHandle

from sagents_workflows import visibility
from sagents_workflows.alarm import Alarm

with workflow.unsafe.imports_passed_through():
    from sagents.carried import Carried
    from sagents.commands import Cancel, Resume, Stop
    from sagents.contract import StartAgent
    from sagents.head import Head
    from sagents.lifecycle import Lifecycle
    from sagents.loop import apply
    from sagents.mail import Mail
    from sagents.plan import AgentRef, RunError
    from sagents.results import Cancelled, Failed, Result
    from sagents.status import Status

T = TypeVar("T")

BREAK_OFF = timedelta(seconds=25)
"""What running work has to end in once it is cancelled; then the loop goes on without it."""


class Life:
    """What the handlers and the loop share. Handlers fill `mail`; the loop alone changes `head`, by `took`."""

    def __init__(self, start: StartAgent, agent_id: str, problem: str | None) -> None:
        carried = start.carried
        self.start = start
        self.head = carried.head if carried else _fresh(start, agent_id)
        self.mail = Mail(carried.mailbox, carried.answers, carried.notes) if carried else Mail()
        self.awake = carried is not None
        self.problem = problem
        self.failing = False
        self.dirty = False
        self.stored_notes = -1
        self.planned = self.head.log.position
        self.leaving: Stop | None = None
        self.alarm = Alarm()
        self.active_at = workflow.now()
        self.signals = self.updates = 0
        self._shown = workflow.info().typed_search_attributes

    @property
    def carried(self) -> Carried:
        """All of the agent but its transcript, as it is now."""
        mail = self.mail
        return Carried(head=self.head, mailbox=tuple(mail.waiting), answers=mail.answers, notes=mail.notes)

    @property
    def status(self) -> Status:
        """As people see it: what was taken, a message or a decision, counts before the loop has moved."""
        status = self.head.status
        if self.failing and not self.awake:
            return Status.ERROR
        if self.mail.starts_run or (status in (Status.INTERRUPTED, Status.PAUSED) and self.mail.has(Resume)):
            return Status.RUNNING
        return Status.ERROR if self.failing and status is Status.IDLE else status

    def took(self, result: Result) -> None:
        """The head after a result; interrupts get the time they were made."""
        head = apply(self.head, result)
        stamped = tuple(i if i.created_at else i.but(created_at=workflow.now()) for i in head.interrupts)
        self.head = head.but(interrupts=stamped)
        self.dirty = True

    def next_seq(self) -> int:
        """A number for the next activity that may save: of two saves, the higher one counts."""
        self.head = self.head.but(seq=self.head.seq + 1)
        return self.head.seq

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────

    def stir(self) -> None:
        """This was activity: the inactivity clock starts again."""
        self.active_at = workflow.now()

    def set_alarm(self) -> None:
        """Inactivity counts only while nothing runs and nobody has to decide."""
        patience = Lifecycle.from_wire(self.head.lifecycle).inactivity_timeout
        waits = self.head.status in (Status.INTERRUPTED, Status.PAUSED)
        self.alarm.set(None if waits or patience is None else self.active_at + patience)

    @property
    def leaves(self) -> bool:
        """Whether it is time to go: somebody said so, or nobody came for long."""
        return self.leaving is not None or (self.alarm.rang and not self.mail.waiting)

    def is_long(self, events: int) -> bool:
        """Whether this workflow run has grown enough to continue as new."""
        info, limits = workflow.info(), self.head.limits
        return (
            info.is_continue_as_new_suggested()
            or info.get_current_history_length() >= events
            or self.updates >= limits.updates
            or self.signals >= limits.signals
        )

    # ── being stopped ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def breaking(self) -> bool:
        """Whether somebody wants the run to end."""
        return self.mail.has(Cancel, Stop)

    async def ended(self, handle: ActivityHandle[T]) -> T:
        """What an activity returns; cancelled on request, and then left behind if it does not end in time."""
        await workflow.wait_condition(lambda: handle.done() or self.breaking)
        if not handle.done():
            handle.cancel()
            await self.within(BREAK_OFF, handle.done)
        if not handle.done():
            raise TimeoutError("cancelled work did not end in time and was left behind")
        return handle.result()

    async def guarded(self, work: Awaitable[None]) -> None:
        """The one place where a failure becomes an ending: the run stops, the agent lives on."""
        try:
            await work
        except (FailureError, TimeoutError) as error:
            if not self.breaking:
                self.took(Failed(error=RunError(type=type_of(error), message=words_of(error))))
        if self.breaking and self.head.status.is_running:
            self.took(Cancelled())
        self.mail.cancels()
        self.stir()

    async def within(self, limit: timedelta, condition: Callable[[], bool]) -> None:
        """Wait for a condition, but no longer than this."""
        try:
            await workflow.wait_condition(condition, timeout=limit)
        except TimeoutError:
            return

    # ── being seen ────────────────────────────────────────────────────────────────────────────────────────────

    def show_details(self) -> None:
        """Tell the UI; costs no event."""
        workflow.set_current_details(visibility.details(self.head, self.status, self.problem))

    def show_attributes(self) -> None:
        """Tell visibility, where what it knows has changed: an event of history, so only at rest."""
        shown = visibility.attributes(self.head, self.status)
        if shown != self._shown:
            workflow.upsert_search_attributes([pair.key.value_set(pair.value) for pair in shown])
            self._shown = shown


def _fresh(start: StartAgent, agent_id: str) -> Head:
    agent = AgentRef(
        name=start.agent,
        agent_id=agent_id,
        conversation_id=start.conversation_id,
        scope=start.scope,
        options=start.options,
    )
    return Head(agent=agent, lifecycle=start.lifecycle, created_at=workflow.now())


def type_of(error: BaseException) -> str:
    """What kind of failure it is, in our own words where it was one of ours."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return (cause.type if isinstance(cause, ApplicationError) else None) or type(cause).__name__


def words_of(error: BaseException) -> str:
    """What went wrong, without Temporal's wrapping."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)
