"""Waking and saving: what an agent does to outlive its workflow run."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

from sagents_workflows import gate
from sagents_workflows.life import Life, words_of

with workflow.unsafe.imports_passed_through():
    from sagents.commands import Resume
    from sagents.decision_log import Entry
    from sagents.operations import SetMessages
    from sagents.plan import Bulletin, Saved, SaveReason, SaveRequest, WakeRequest
    from sagents.recording import first_to_save
    from sagents.status import Status

TRY_AGAIN = timedelta(seconds=60)
"""After a save or a waking that failed for good, unless news come earlier."""


async def wake(life: Life) -> None:
    """Take over as the agent's writer. Its own earlier head wins over what the start said."""
    while not life.awake:
        notes = life.mail.notes
        try:
            waits = {"pending": life.mail.starts_run, "answered": life.answering or life.mail.has(Resume)}
            woken = await gate.wake(WakeRequest(agent=life.head.agent, **waits))
        except FailureError as error:
            await _hold(life, error, notes)
            continue
        _recovered(life)
        life.problem = woken.problem or life.problem
        carried = woken.carried if life.head.agent.sub is None else None  # its task begins again, where it was reset
        if carried is None:
            _begin(life, woken.agent)
        else:
            life.mail.restore(carried.mailbox, carried.answers, carried.notes)
            life.head = carried.head
            life.rejoin(carried)
        life.head = life.head.but(limits=woken.limits)
        life.planned, life.awake = life.head.log.position, True
        life.status_told = life.status


async def save(life: Life, *, before: tuple[Bulletin, ...] = (), after: tuple[Bulletin, ...] = ()) -> bool:
    """Save, and say whether it worked. What failed for good is tried again after a while or with the next note."""
    while len(some := first_to_save(life.entries)) < len(life.entries):
        if not await _save(life, some):
            return False
    return await _save(life, life.entries, before, after)


async def _save(
    life: Life, entries: tuple[Entry, ...], before: tuple[Bulletin, ...] = (), after: tuple[Bulletin, ...] = ()
) -> bool:
    notes, news = life.mail.notes, life.told()
    request = SaveRequest(
        agent_id=life.head.agent.agent_id,
        seq=life.next_seq(),
        reason=_reason(life),
        status_is_news=life.status_is_news,
        before=(*news, *before),
        after=after,
        entries=entries,
    )
    try:
        saved = await gate.save(request)
    except FailureError as error:
        life.news = [*news, *life.news]
        await _hold(life, error, notes)
        return False
    life.entries = life.entries[len(entries) :]
    confirm(life, saved)
    return True


def confirm(life: Life, saved: Saved) -> None:
    """A save has reached the store: what it holds leaves the tail. A saver that failed is tried again (L-51)."""
    _recovered(life)
    life.head = life.head.but(log=life.head.log.confirmed(saved.base))
    life.stored_notes, life.untold_rest = saved.notes, False
    life.status_told = life.head.status if saved.told else life.status_told
    life.dirty = not life.head.log.is_saved
    life.mirrored(saved.mirrored)
    life.clocks = life.clocks.but(saved_at=workflow.now())


def _reason(life: Life) -> SaveReason:
    if life.leaving is not None:
        return SaveReason.SHUTDOWN
    if not life.untold_rest:
        return SaveReason.DECISION if life.entries and not life.save_is_due else SaveReason.INTERVAL
    if life.head.status is Status.INTERRUPTED:
        return SaveReason.INTERRUPT
    if life.head.ending is None:
        return SaveReason.INTERVAL
    return SaveReason.after(life.head.ending)


def _begin(life: Life, name: str) -> None:
    """A new agent. Messages that it starts with are its past: starting does not run (REQUIREMENTS 4.5, row 19).

    They are set, not added, because who listens to new messages knows them (L-10).
    """
    life.head = life.head.but(agent=life.head.agent.but(name=name))
    if life.start.messages:
        life.head = life.head.with_operations(SetMessages(messages=life.start.messages))
        life.dirty = True


def _recovered(life: Life) -> None:
    if life.failing:
        life.problem, life.failing = None, False


async def _hold(life: Life, error: FailureError, notes: int) -> None:
    """Say what is wrong, and wait a while or for news: more notes than there were when it was tried."""
    life.problem, life.failing = words_of(error), True
    life.show_details()
    await life.within(TRY_AGAIN, lambda: life.mail.notes != notes)
