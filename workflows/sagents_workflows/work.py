"""The loop: acts on notes and on what the head asks for, until there is a reason to leave or to continue as new."""

from enum import StrEnum
from typing import assert_never

from temporalio import workflow

from sagents_workflows import acting, children, leaving
from sagents_workflows.delivering import deliver
from sagents_workflows.keeping import save, wake
from sagents_workflows.life import Life

with workflow.unsafe.imports_passed_through():
    from sagents.commands import Resume
    from sagents.loop import next_action
    from sagents.results import Action, Answer, AskModel, Park, Rest, RunCalls, Settle


CONCLUDED = "concluded"


class WayOut(StrEnum):
    """Why the loop returns."""

    LEAVE = "leave"
    RENEW = "renew"


async def work(life: Life) -> WayOut:
    """Live. Waits for nothing but news while at rest."""
    await wake(life)
    await children.begin(life)
    while True:
        life.leaving, notes = None, life.mail.notes
        await deliver(life)
        life.show_details()
        if way_out := await act(life, notes, next_action(life.head)):
            return way_out


async def act(life: Life, notes: int, action: Action) -> WayOut | None:
    at_rest = isinstance(action, Rest | Park)
    if life.entries and not at_rest and not life.breaking and not await save(life):
        return None  # what people decided is on record before anything comes of it
    match action:
        case Rest() | Park():
            return await rest(life, notes)
        case AskModel():
            if way_out := await before_model(life):
                return way_out
            await life.guarded(acting.ask(life))
        case RunCalls():
            await life.guarded(acting.run_calls(life, action.calls))
        case Answer():
            await life.guarded(acting.answer(life, action.interrupt))
        case Settle():
            await life.guarded(acting.settle(life))
        case _:
            assert_never(action)
    return None


async def rest(life: Life, notes: int) -> WayOut | None:
    """Save what is new, then wait for news, a deadline, or a history that has grown too long.

    `notes` is how many the loop has acted on: with a later one it looks again before it waits or leaves.
    """
    if (life.dirty or life.news or life.entries) and not await save(life):
        return None
    await leaving.look_around(life)
    if life.mirror_is_due and not await save(life):
        return None
    if life.mail.notes != notes:
        return None
    if reason := time_to_leave(life):
        # A note that came before the save had read the mailbox is kept in the store, where nobody would act on it: it
        # keeps the agent or, after a stop, begins its next life.
        leave = leaving.leave(life, reason) if life.head.agent.sub is None else children.conclude(life)
        if not await leave or (life.stop is None and life.mail.notes != notes):
            return None
        if life.result is not None:
            return WayOut.LEAVE
        return WayOut.RENEW if life.mail.starts > life.kept or life.mail.has(Resume) else WayOut.LEAVE
    parked_events = life.head.limits.parked_events
    if life.is_long(parked_events):
        return WayOut.RENEW
    life.show_attributes()
    life.alarm.set(leaving.rings_at(life))
    await workflow.wait_condition(lambda: life.mail.notes != notes or life.alarm.rang or life.is_long(parked_events))
    return None


def time_to_leave(life: Life) -> str | None:
    """Why the agent leaves now, if it does: somebody said so, or a deadline has passed."""
    if life.stop is not None:
        return life.stop.reason
    if life.head.concludes:
        return CONCLUDED
    due = leaving.departure(life)
    return due.reason if due is not None and workflow.now() >= due.at else None


async def before_model(life: Life) -> WayOut | None:
    """Between two steps: keep the tail short, and the history; save what is new at its interval."""
    log, limits = life.head.log, life.head.limits
    renews = life.is_long(limits.events)
    if not log.is_saved and (renews or log.tail_bytes > limits.tail_bytes or life.save_is_due):
        await save(life)
    return WayOut.RENEW if renews and life.head.log.is_saved else None
