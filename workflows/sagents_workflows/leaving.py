"""When an agent leaves, and what it says then (DESIGN section 7)."""

from datetime import datetime
from typing import NamedTuple

from temporalio import workflow
from temporalio.exceptions import FailureError

from sagents_workflows import gate
from sagents_workflows.keeping import TRY_AGAIN, save
from sagents_workflows.life import Life, words_of

with workflow.unsafe.imports_passed_through():
    from sagents.deadlines import next_deadline
    from sagents.plan import Bulletin, ViewersRequest
    from sagents.status import Status

INACTIVITY = "inactivity"
NO_VIEWERS = "no_viewers"
WAITING = (Status.INTERRUPTED, Status.PAUSED)


class Departure(NamedTuple):
    """When the agent leaves if nothing happens, and why."""

    at: datetime
    reason: str


def departure(life: Life) -> Departure | None:
    """The decision table: only who has nothing to do leaves, and nobody while people look (L-31, L-40)."""
    lifecycle, clocks = life.lifecycle, life.clocks
    if life.head.status.is_running or life.head.status in WAITING or clocks.active_at is None:
        return None
    presence, when = lifecycle.presence, []
    if presence.enabled and life.viewers and presence.viewers_block_inactivity:
        return None
    if presence.enabled and not life.viewers and clocks.alone_since is not None:
        when.append(Departure(clocks.alone_since + lifecycle.grace_period, NO_VIEWERS))
    if lifecycle.inactivity_timeout is not None:
        when.append(Departure(_quiet_since(life, clocks.active_at) + lifecycle.inactivity_timeout, INACTIVITY))
    return min(when, default=None)


def _quiet_since(life: Life, active_at: datetime) -> datetime:
    """Where viewers hold the inactivity clock, it starts again when the last one goes: a refresh has its grace."""
    presence, alone_since = life.lifecycle.presence, life.clocks.alone_since
    held = presence.enabled and presence.viewers_block_inactivity
    return max(active_at, alone_since) if held and alone_since is not None else active_at


def rings_at(life: Life) -> datetime | None:
    """The next moment at which something has to be decided: a departure, a lease's end, a saver's next try."""
    leaves = departure(life)
    lease = life.viewers.until if life.lifecycle.presence.enabled and not life.head.status.is_running else None
    asked = next_deadline(life.ticking)
    moments = (leaves and leaves.at, life.clocks.mirror_at, lease, asked)
    return min((moment for moment in moments if moment), default=None)


async def look_around(life: Life) -> None:
    """A lease has ended here; the presence port knows whether a door has renewed it (L-40)."""
    until = life.viewers.until
    if not life.lifecycle.presence.enabled or until is None or workflow.now() < until:
        return
    notes, mine = life.mail.notes, [one for one in life.viewers.present if one.until is None]
    asking = gate.viewers(ViewersRequest(topic=life.head.topic))
    await workflow.wait_condition(lambda: asking.done() or life.mail.notes != notes)
    if not asking.done():
        asking.cancel()
        return  # somebody wants something: an answer that does not come must not keep them waiting
    try:
        seen = asking.result()
    except FailureError as error:
        _look_later(life, words_of(error))
        return
    if life.mail.notes != notes:
        return  # somebody came or went meanwhile: look again
    renewed = [one for one in seen.present if one.viewer not in {other.viewer for other in mine}]
    life.set_viewers(life.viewers.but(present=(*mine, *renewed)).at(workflow.now()))


def _look_later(life: Life, problem: str) -> None:
    """Nobody can say who looks: who was there counts as there for a while."""
    life.problem, later = problem, workflow.now() + TRY_AGAIN
    present = (one if one.until is None else one.but(until=later) for one in life.viewers.present)
    life.set_viewers(life.viewers.but(present=tuple(present)))


async def leave(life: Life, reason: str) -> bool:
    """Save and say goodbye, in the order of the document: for `no_viewers` the event comes first (L-22, L-35)."""
    await workflow.wait_condition(lambda: not life.announcing)  # else it would say goodbye once more
    life.leaving = reason
    goodbye = (_shutdown(life, reason),)
    if reason == NO_VIEWERS:
        return await save(life, before=goodbye)
    return await save(life, after=goodbye)


def _shutdown(life: Life, reason: str) -> Bulletin:
    status = life.head.status
    return Bulletin(
        type="agent_shutdown",
        data={
            "reason": reason,
            "agent_id": life.head.agent.agent_id,
            "status": str(status),
            "interrupt_restorable": status is Status.INTERRUPTED,
            "last_activity_at": life.clocks.active_at.isoformat() if life.clocks.active_at else None,
            "shutdown_at": workflow.now().isoformat(),
            "client_status": "inactive" if reason in (INACTIVITY, NO_VIEWERS) else "stopped",
        },
    )
