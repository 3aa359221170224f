"""Notes become state here, at boundaries only: else a message would land between a call and its result."""

from temporalio import workflow

from sagents_workflows import acting
from sagents_workflows.life import Life

with workflow.unsafe.imports_passed_through():
    from sagents.commands import (
        Cancel,
        Configure,
        Dismiss,
        Execute,
        NewMessage,
        NotifyMiddleware,
        Reset,
        RestoreState,
        Resume,
        Stop,
    )
    from sagents.deadlines import struck
    from sagents.head import Phase
    from sagents.lifecycle import WhileRunning
    from sagents.mail import merged, senders
    from sagents.plan import RunSpec
    from sagents.results import Dismissed, Started, Steered, WasReset
    from sagents.status import Status


async def deliver(life: Life) -> None:
    """Act on what waits, as far as the head is at a boundary for it."""
    for command in life.mail.take(Configure):
        _configure(life, command)
    life.resumed()
    for dismissal in life.mail.take(Dismiss):
        _dismiss(life, dismissal)
    _strike(life)
    if life.head.status.is_running:
        _steer(life)
    else:
        await _at_rest(life)


async def _at_rest(life: Life) -> None:
    life.mail.take(Cancel)
    if life.mail.take(Reset):
        life.took(WasReset())
        life.stir()
    for restore in life.mail.take(RestoreState):
        await life.attempted(acting.restore(life, restore))
    for notice in life.mail.take(NotifyMiddleware):
        await life.attempted(acting.notify(life, notice))
    if life.stop is None:
        life.kept = life.mail.starts_before(Stop)
    life.stop = next(iter(life.mail.take(Stop)), life.stop)
    if life.stop is None and not life.mail.has(Resume):  # taken meanwhile, it comes before what would supersede it
        _start_run(life)


def _start_run(life: Life) -> None:
    """All messages that wait start one run; an `execute` starts one where the agent is idle."""
    if life.holds or _trips_breaker(life):
        return
    by_machines = life.mail.is_only_machines
    taken, executes = life.mail.take(NewMessage), life.mail.take(Execute)
    before = life.head.latest.requesters if life.head.latest else ()
    if taken:
        if life.head.status is Status.INTERRUPTED:
            life.tell("status_changed", status=Status.IDLE, data=None)  # the question is closed (E-37)
        life.drained()
        run = RunSpec(id=life.next_run_id, requesters=senders(taken, before))
        life.took(Started(run=run, messages=merged(taken)))
    elif executes and life.head.status.takes_execute:
        life.took(Started(run=executes[0].run(life.next_run_id).but(requesters=before)))
    else:
        return
    life.head = life.head.but(automatic_runs=life.head.automatic_runs + 1 if by_machines else 0)
    life.run_begins()


def _trips_breaker(life: Life) -> bool:
    """Runs that only machines ask for are counted; after ten in a row a person has to speak (B-76)."""
    limit = life.head.limits.automatic_runs
    if not life.mail.is_only_machines or life.head.automatic_runs < limit:
        return False
    life.tell("auto_execution_limit_reached", limit=limit)
    life.clocks = life.clocks.but(held=life.mail.starts)
    return True


def _steer(life: Life) -> None:
    """Before the next model call, where the lifecycle says so and no call waits for its result (K-14)."""
    steers = life.lifecycle.while_running is WhileRunning.STEER
    if steers and life.head.phase is Phase.MODEL and (taken := life.mail.take(NewMessage)):
        life.drained()
        life.took(Steered(messages=merged(taken), requesters=senders(taken, ())))
        life.stir()


def _strike(life: Life) -> None:
    """The clocks of what waits for people: after the decisions, which were judged by their own time."""
    while (due := struck(life.ticking, workflow.now())) is not None:
        life.took(due)
        if life.head.status.is_running:
            life.run_begins()
        elif not life.head.open_interrupts:
            life.came_to_rest()


def _dismiss(life: Life, _: Dismiss) -> None:
    if any(interrupt.reason == "halt" for interrupt in life.head.open_interrupts):
        life.took(Dismissed())
        life.stir()


def _configure(life: Life, command: Configure) -> None:
    head = life.head
    if command.lifecycle is not None:
        head = head.but(lifecycle=command.lifecycle)
    if command.options is not None:
        head = head.but(agent=head.agent.but(options=command.options))
    life.head, life.dirty = head, True
