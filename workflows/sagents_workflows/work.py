"""The loop: acts on notes and on what the head asks for, until there is a reason to leave or to continue as new."""

from enum import StrEnum
from typing import assert_never

from temporalio import workflow

from sagents_workflows import acting
from sagents_workflows.keeping import save, wake
from sagents_workflows.life import Life

with workflow.unsafe.imports_passed_through():
    from sagents.clipping import clipped
    from sagents.commands import Resume
    from sagents.deciding import matched
    from sagents.errors import CannotResume
    from sagents.loop import next_action
    from sagents.plan import RunSpec
    from sagents.results import Action, Answer, AskModel, Continued, Park, Rest, RunCalls, Settle, Started
    from sagents.status import Status


class WayOut(StrEnum):
    """Why the loop returns."""

    LEAVE = "leave"
    RENEW = "renew"


async def work(life: Life) -> WayOut:
    """Live. Waits for nothing but news while at rest."""
    await wake(life)
    while True:
        deliver(life)
        life.show_details()
        if way_out := await act(life, next_action(life.head)):
            return way_out


async def act(life: Life, action: Action) -> WayOut | None:
    match action:
        case Rest() | Park():
            return await rest(life)
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


# ── notes become state, at boundaries only: else a message would land between a call and its result ──────────────


def deliver(life: Life) -> None:
    """Act on what waits, as far as the head is at a boundary for it."""
    for command in life.mail.resumes():
        resume(life, command)
    if life.head.status.is_running:
        return
    life.mail.cancels()
    life.leaving = life.mail.stop() or life.leaving
    if life.leaving is None:
        start_run(life)


def start_run(life: Life) -> None:
    """All messages that wait start one run; an `execute` starts one where the agent is idle."""
    messages = tuple(note.message for note in life.mail.messages())
    execute = life.mail.execute()
    run_id = f"run_{life.head.runs + 1}_{life.head.log.digest[:8]}"  # from the log: a reset repeats it
    if messages:
        life.took(Started(run=RunSpec(id=run_id), messages=messages))
    elif execute is not None and life.head.status.takes_execute:
        life.took(Started(run=execute.run(run_id)))
    else:
        return
    life.stir()


def resume(life: Life, command: Resume) -> None:
    """Decide what waits for it, or go on after a pause; what does not fit leaves everything as it was."""
    try:
        decided = matched(life.head, command) if command.decisions or life.head.open_interrupts else ()
    except CannotResume as error:
        life.problem = clipped(str(error))
        return
    for decision in decided:
        life.took(decision)
    if not decided and life.head.status is Status.PAUSED:
        life.took(Continued())
    life.stir()


# ── at rest, and between steps ───────────────────────────────────────────────────────────────────────────────────


async def rest(life: Life) -> WayOut | None:
    """Save what is new, then wait for news, a deadline, or a history that has grown too long."""
    if life.dirty and not await save(life):
        return None
    life.set_alarm()
    if life.leaves:
        is_stored = life.stored_notes == life.mail.notes or await save(life)
        return WayOut.LEAVE if is_stored else None
    parked_events = life.head.limits.parked_events
    if life.is_long(parked_events):
        return WayOut.RENEW
    life.show_attributes()
    await workflow.wait_condition(lambda: bool(life.mail.waiting) or life.leaves or life.is_long(parked_events))
    return None


async def before_model(life: Life) -> WayOut | None:
    """Between two steps: keep the tail short, and the history."""
    log, limits = life.head.log, life.head.limits
    renews = life.is_long(limits.events)
    if not log.is_saved and (renews or log.tail_bytes > limits.tail_bytes):
        await save(life)
    return WayOut.RENEW if renews and life.head.log.is_saved else None
