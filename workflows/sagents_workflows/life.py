"""An agent in one workflow run: its head, its mailbox, its clock. What happens to them is in `work` and `acting`."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, FailureError
from temporalio.workflow import ActivityHandle

from sagents_workflows import visibility
from sagents_workflows.alarm import Alarm

with workflow.unsafe.imports_passed_through():
    from sagents import recording
    from sagents.below import NOBODY_WAITS, Below, Waits
    from sagents.briefs import ChildWaits, Waiting
    from sagents.carried import Carried
    from sagents.clipping import clipped
    from sagents.commands import Cancel, NewMessage, Note, Reset, Resume, Stop
    from sagents.contract import StartAgent
    from sagents.deciding import claims_in_time, matched
    from sagents.decision_log import Entry
    from sagents.errors import CannotResume
    from sagents.head import Head, Latest
    from sagents.interrupts import Interrupt
    from sagents.lifecycle import MILLISECOND, Lifecycle, WhileInterrupted, WhileRunning
    from sagents.loop import apply
    from sagents.mail import Mail
    from sagents.plan import AgentRef, Bulletin, CallResult, RunError
    from sagents.results import Cancelled, Continued, Failed, Result
    from sagents.status import Status
    from sagents.viewers import Viewers

T = TypeVar("T")

BREAK_OFF = timedelta(seconds=25)
"""What running work has to end in once it is cancelled; then the loop goes on without it."""

INTERVAL = timedelta(seconds=60)

HOLDING = (Status.INTERRUPTED, Status.ERROR, Status.PAUSED)
"""What holds messages that were queued before it (B-75); a later one, or an answer, lets them go."""


class Life:
    """What the handlers and the loop share. Handlers fill `mail` and `viewers`; only the loop changes `head`."""

    def __init__(self, start: StartAgent, agent_id: str, problem: str | None) -> None:
        carried = start.carried or Carried(head=_fresh(start, agent_id))
        self.start = start
        self.head = carried.head
        self.mail = Mail(carried.mailbox, carried.answers, carried.notes)
        self.viewers = carried.viewers
        self.clocks = carried.clocks.but(active_at=carried.clocks.active_at or workflow.now())
        self.awake = self.booted = start.carried is not None
        self.problem = problem
        self.failing = False
        self.dirty = False
        self.stored_notes = -1
        self.planned = self.head.log.position
        self.leaving: str | None = None
        self.stop: Stop | None = None
        self.kept = 0  # what waits for the next life: it was there before the stop
        self.announcing = self.answering = self.reporting = False
        self.below = Below()
        self.broken = False
        self.reported = NOBODY_WAITS
        self.result: CallResult | None = None
        self.alarm = Alarm()
        self.untold_rest, self.status_told = False, self.head.status
        self.news: list[Bulletin] = []
        self.entries: tuple[Entry, ...] = ()
        self.reviewed: list[Resume] = []
        self.signals = self.updates = 0
        self._shown = workflow.info().typed_search_attributes

    @property
    def carried(self) -> Carried:
        """All of the agent but its transcript, as it is now."""
        mail = self.mail
        return Carried(
            head=self.head,
            mailbox=tuple(mail.waiting),
            answers=mail.answers,
            notes=mail.notes,
            viewers=self.viewers,
            clocks=self.clocks,
        )

    @property
    def lifecycle(self) -> Lifecycle:
        return Lifecycle.from_wire(self.head.lifecycle)

    @property
    def status(self) -> Status:
        """As people see it: what was taken, a message or a decision, counts before the loop has moved."""
        status = self.head.status
        if self.failing and not self.awake:
            return Status.ERROR
        if self.below.are_parked and not self.breaking:
            return Status.INTERRUPTED
        decides = status in (Status.INTERRUPTED, Status.PAUSED) and self.mail.has(Resume)
        if decides or (not status.is_running and self.mail.starts_run and not self.holds):
            return Status.RUNNING
        return Status.ERROR if self.failing and status is Status.IDLE else status

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What waits for people, here and below, and who is told the decision."""
        return self.below.waiting(self.head)

    @property
    def waits(self) -> Waits:
        """The same as a sub-agent reports it: nothing once it ends."""
        reports = self.awake and not self.head.concludes
        return self.below.waits(self.head, self.status is Status.INTERRUPTED) if reports else NOBODY_WAITS

    def heard(self, child: ChildWaits) -> None:
        """A sub-agent waits for people, or goes on."""
        self.below.heard(child)
        self.show_details()

    @property
    def holds(self) -> bool:
        """Whether what is queued waits for something new.

        It was queued before the run came to such a rest, or open questions come first (`while_interrupted`).
        """
        if self.head.status is Status.INTERRUPTED and self.lifecycle.while_interrupted is WhileInterrupted.ENQUEUE:
            return True
        return self.clocks.held == self.mail.starts

    def took(self, result: Result) -> None:
        """The head after a result; what it made of interrupts waits for the next save, which records it."""
        before, head, now = self.head, apply(self.head, result), workflow.now()
        made = (interrupt.made_at(now) for interrupt in head.interrupts)
        path = head.agent.path
        self.head = head.but(interrupts=tuple(one.but(path=path) if path else one for one in made))
        self.entries += recording.entries(before, self.head, result, now, self.entries)
        self.dirty = True
        if (run := self.head.run) is not None:
            known = self.head.latest
            began_at = known.began_at if known and known.run_id == run.spec.id else now
            latest = Latest(run_id=run.spec.id, began_at=began_at, requesters=run.spec.requesters)
            self.head = self.head.but(latest=latest)

    def resumed(self) -> None:
        """Make the decisions that were taken, also where a run breaks off: who decided was told that it counts."""
        for command in self.mail.take(Resume):
            self._resume(command)

    def _resume(self, command: Resume) -> None:
        """Decide what waits for it, or go on after a pause; what does not fit leaves everything as it was."""
        try:
            decides = command.decisions or self.head.open_interrupts
            decided = matched(self.head, command, workflow.now()) if decides else ()
        except CannotResume as error:
            self.problem = clipped(str(error))
            return
        for decision in decided:
            self.took(decision)
        if not decided and self.head.status is Status.PAUSED:
            self.took(Continued())
        if self.head.status.is_running:
            self.run_begins()

    @property
    def ticking(self) -> tuple[Interrupt, ...]:
        """The open interrupts whose clocks run: not while a decision is looked at that came in time, as a door says."""
        return tuple(
            interrupt
            for interrupt in self.head.open_interrupts
            if not any(claims_in_time(resume, interrupt) for resume in self.reviewed)
        )

    @property
    def next_run_id(self) -> str:
        """From the log alone: a run that is repeated after a reset finds its step records."""
        return f"run_{self.head.runs + 1}_{self.head.log.digest[:8]}"

    def next_seq(self) -> int:
        """A number for the next activity that may save: of two saves, the higher one counts."""
        self.head = self.head.but(seq=self.head.seq + 1)
        return self.head.seq

    def stir(self) -> None:
        """This was activity: the inactivity clock starts again (L-20)."""
        self.clocks = self.clocks.but(active_at=workflow.now())

    def run_begins(self) -> None:
        """A run goes on or starts: nothing is held any more, nobody is alone."""
        self.result = None
        self.clocks = self.clocks.but(active_at=workflow.now(), alone_since=None, held=-1)

    def set_viewers(self, viewers: Viewers) -> None:
        """Who looks now. When the last one has gone, the grace period begins (L-36)."""
        if viewers:
            self.clocks = self.clocks.but(alone_since=None)
        elif self.viewers:
            self.clocks = self.clocks.but(alone_since=workflow.now())
        self.viewers = viewers

    def rejoin(self, carried: Carried) -> None:
        """Awake again: the clocks begin anew, who was there and who has come meanwhile are both there (E-45)."""
        came = self.viewers
        self.viewers = carried.viewers.at(workflow.now())
        for viewer in came.present:
            self.viewers = self.viewers.joined(viewer)
        since = self.clocks.stopping_since
        self.clocks = carried.clocks.but(active_at=workflow.now(), alone_since=None, stopping_since=since)

    @property
    def autosave_interval(self) -> timedelta:
        return self.lifecycle.auto_save.interval if self.lifecycle.auto_save else INTERVAL

    @property
    def save_is_due(self) -> bool:
        """Whether the interval since the last save is over."""
        since = self.clocks.saved_at or self.head.created_at
        return self.mirror_is_due or (since is not None and workflow.now() - since >= self.autosave_interval)

    @property
    def mirror_is_due(self) -> bool:
        """Whether a saver of the application has waited its interval: it failed, or is not called at a run's end."""
        return self.clocks.mirror_at is not None and workflow.now() >= self.clocks.mirror_at

    def mirrored(self, done: bool) -> None:
        """A saver has all there is; or else it is due an interval after it first had not."""
        due = None if done else self.clocks.mirror_at
        if not done and (due is None or workflow.now() >= due):
            due = workflow.now() + self.autosave_interval
        self.clocks = self.clocks.but(mirror_at=due)

    def note(self, note: Note) -> None:
        """Take a note. A message that has to wait for a run's end is told of (B-77)."""
        if isinstance(note, Stop):
            self.clocks = self.clocks.but(stopping_since=self.clocks.stopping_since or workflow.now())
        queued = isinstance(note, NewMessage) and self.head.status.is_running
        if self.mail.put(note) and queued and isinstance(note, NewMessage):
            self.clocks = self.clocks.but(queued=self.clocks.queued + 1)
            self.tell("message_queued", message=note.message.model_dump(mode="json"))

    def drained(self) -> None:
        """What waited for a run's end is let go into one: told once for all of it (B-77)."""
        if self.clocks.queued:
            self.tell("messages_drained", count=self.clocks.queued)
            self.clocks = self.clocks.but(queued=0)

    @property
    def status_is_news(self) -> bool:
        """Whether a save has to tell the status. That a run begins is told by its first step."""
        begins = self.head.status.is_running and self.head.started.step == 0
        return self.untold_rest or (self.head.status is not self.status_told and not begins)

    @property
    def has_news(self) -> bool:
        return bool(self.news) or self.below.is_news

    def tell(self, type: str, **data: object) -> None:
        """News that the next save or announcement carries."""
        self.news.append(Bulletin.model_validate({"type": type, "data": data}))

    def told(self) -> tuple[Bulletin, ...]:
        """The news so far, taken out."""
        news, self.news = tuple(self.news), []
        return news

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
    def stops_at(self) -> datetime | None:
        """Until when a stop lets the run under way go on (L-42); one that an earlier life took waits no longer."""
        stops = [note for note in self.mail.waiting if isinstance(note, Stop)]
        if not stops or self.clocks.stopping_since is None or self.below.are_parked:
            return workflow.now() if stops else None
        asked = [stop.patience_ms * MILLISECOND for stop in stops if stop.patience_ms is not None]
        usual = self.lifecycle.stop_patience
        return self.clocks.stopping_since + min([*asked, self.head.limits.stop_patience if usual is None else usual])

    @property
    def breaking(self) -> bool:
        """Whether somebody wants the run to end now."""
        stops_at = self.stops_at
        if stops_at is not None and workflow.now() < stops_at:
            return self.mail.has(Cancel, Reset)
        supersedes = self.below.are_parked and self.lifecycle.while_interrupted is WhileInterrupted.SUPERSEDE
        pushes = supersedes or self.lifecycle.while_running is WhileRunning.CANCEL_AND_RUN
        return (pushes and self.mail.has(NewMessage)) or self.mail.has(Cancel, Stop, Reset)

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for work under way, for as long as nobody wants the run to end now."""
        while not (done() or self.breaking):
            await self._until(done, self.stops_at)

    async def _until(self, done: Callable[[], bool], stops_at: datetime | None) -> None:
        left = None if stops_at is None else max(stops_at - workflow.now(), MILLISECOND)
        await self.within(left, lambda: done() or self.breaking or self.stops_at != stops_at)

    async def ended(self, handle: ActivityHandle[T]) -> T:
        """What an activity returns; cancelled on request, and then left behind if it does not end in time."""
        await self.until(handle.done)
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
                self.resumed()
                self.took(Failed(error=RunError(type=type_of(error), message=words_of(error))))
        if (self.breaking or self.broken) and self.head.status.is_running:
            self.resumed()
            self.took(Cancelled())
        self.broken = False
        if not self.head.status.is_running:
            self.came_to_rest()

    def came_to_rest(self) -> None:
        self.mail.take(Cancel)
        self.stir()
        self.untold_rest = self.dirty
        if self.head.status in HOLDING:
            self.clocks = self.clocks.but(held=self.mail.starts)
        if not self.viewers:
            self.clocks = self.clocks.but(alone_since=workflow.now())

    async def attempted(self, work: Awaitable[None]) -> None:
        """Something beside a run: its failure is said and changes nothing."""
        try:
            await work
        except (FailureError, TimeoutError) as error:
            self.problem = words_of(error)
        self.stir()

    async def within(self, limit: timedelta | None, condition: Callable[[], bool]) -> None:
        """Wait for a condition, but no longer than this; None: as long as it takes."""
        try:
            await workflow.wait_condition(condition, timeout=limit)
        except TimeoutError:
            return

    # ── being seen ────────────────────────────────────────────────────────────────────────────────────────────

    def show_details(self) -> None:
        """Tell the UI; costs no event."""
        workflow.set_current_details(visibility.details(self.head, self.status, self.problem, self.waiting))

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
        sub=start.sub,
    )
    return Head(agent=agent, lifecycle=start.lifecycle, created_at=workflow.now())


def type_of(error: BaseException) -> str:
    """What kind of failure it is, in our own words where it was one of ours."""
    cause = error.cause if isinstance(error, ActivityError | ChildWorkflowError) else error
    return (cause.type if isinstance(cause, ApplicationError) else None) or type(cause).__name__


def words_of(error: BaseException) -> str:
    """What went wrong, without Temporal's wrapping."""
    cause = error.cause if isinstance(error, ActivityError | ChildWorkflowError) else error
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)
