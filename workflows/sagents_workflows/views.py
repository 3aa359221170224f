"""What queries answer: read from the life, never changing it."""

from datetime import timedelta

from temporalio import workflow

from sagents_workflows.leaving import departure
from sagents_workflows.life import Life
from sagents_workflows.visibility import command

with workflow.unsafe.imports_passed_through():
    from sagents.carried import PAGE_BYTES, Page, PageRequest
    from sagents.contract import AgentInfo, Inactivity, InterruptView, StateView
    from sagents.mail import pending
    from sagents.operations import Operation, canonical


def info(life: Life) -> AgentInfo:
    """L-62, and what a person asks next."""
    head, run = life.head, life.head.run
    about = workflow.info()
    started = head.created_at or about.start_time
    return AgentInfo(
        agent_id=head.agent.agent_id,
        agent=head.agent.name,
        status=life.status,
        message_count=head.log.message_count,
        has_interrupt=bool(life.waiting),
        uptime_ms=int((workflow.now() - started).total_seconds() * 1000),
        conversation_id=head.agent.conversation_id,
        run_id=run.spec.id if run else None,
        workflow_run_id=about.run_id,
        step=run.step if run else 0,
        last_activity_at=life.clocks.active_at,
        started_at=started,
        queued=len(life.mail.waiting),
        viewers=life.viewers.present,
        topic=head.topic,
        error=head.ending.error if head.ending else None,
        problem=life.problem,
        history_bytes=about.get_current_history_size(),
        history_events=about.get_current_history_length(),
        waking=not life.awake,
    )


def state(life: Life) -> StateView:
    """What was said lately, and the reference to all of it."""
    log = life.head.log
    return StateView(
        messages=log.window,
        earlier=log.message_count - len(log.window),
        todos=log.todos,
        position=log.position,
        digest=log.digest,
        base=log.base,
        pending_message=pending(life.mail.waiting),
        waking=not life.awake,
    )


def inactivity(life: Life) -> Inactivity:
    """L-26, and when the agent leaves if nothing happens."""
    patience, active_at = life.lifecycle.inactivity_timeout, life.clocks.active_at
    leaves = departure(life)
    return Inactivity(
        inactivity_timeout_ms=None if patience is None else patience // timedelta(milliseconds=1),
        last_activity_at=active_at,
        time_since_activity_ms=(workflow.now() - active_at) // timedelta(milliseconds=1) if active_at else 0,
        timer_active=leaves is not None,
        leaves_at=leaves.at if leaves else None,
        reason=leaves.reason if leaves else None,
    )


def page(life: Life, request: PageRequest) -> Page:
    """A page of the tail; from a position before the tail, the tail's beginning."""
    log = life.head.log
    since = max(request.since, log.base.position)
    carried = life.carried if request.head else None
    if carried is not None:
        carried = carried.but(head=life.head.but(log=log.but(tail=(), tail_bytes=0)))
    return Page(operations=_fitting(log.since(since) or ()), position=log.position, digest=log.digest, carried=carried)


def interrupts(life: Life) -> tuple[InterruptView, ...]:
    """What waits for a person, with the command that answers it."""
    return tuple(
        InterruptView(interrupt=one.interrupt, agent_id=one.agent_id, answer_with=command(one)) for one in life.waiting
    )


def _fitting(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    room = PAGE_BYTES
    for count, operation in enumerate(operations):
        room -= len(canonical(operation))
        if room < 0 and count:
            return operations[:count]
    return operations
