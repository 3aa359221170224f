"""Saving an agent: a segment for what is new, a snapshot when the segments outweigh it, the head beside them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from sagents.carried import Carried, PageRequest
from sagents.head import Log
from sagents.lifecycle import Lifecycle
from sagents.mail import pending
from sagents.operations import OPERATIONS, Operation
from sagents.plan import Saved, SaveReason
from sagents.ports import Save, SavedHead, Segment, Store, Weight
from sagents.serialization import export_state
from sagents.status import Status
from sagents_activities.carding import card_of
from sagents_activities.docket import NOTHING, Docket
from sagents_activities.mirrors import Mirrors
from sagents_activities.reader import Lead, StateReader

SNAPSHOT_RATIO = 4
"""Segments may weigh this many times their snapshot. At 4 all snapshots together weigh about 1.3 × the last one."""

SNAPSHOT_FLOOR = 64 * 1024


@dataclass(frozen=True)
class Saver:
    """Writes what an agent carries. The activity that uses it has claimed the agent before."""

    store: Store
    reader: StateReader
    mirrors: Mirrors

    async def read(self, agent_id: str) -> Carried:
        """What the agent carries now, its whole tail included, asked of its workflow."""
        first = await self.reader.page(agent_id, PageRequest(since=-1, head=True))
        assert first.carried is not None, "the workflow answers with its head when asked for it"
        log = first.carried.head.log
        tail = first.operations
        if log.base.position + len(tail) < log.position:
            tail += await self.reader.tail(agent_id, log.base.position + len(tail), log.position)
        return first.carried.but(head=first.carried.head.but(log=log.but(tail=tail)))

    async def save(self, carried: Carried, seq: int, reason: SaveReason, docket: Docket = NOTHING) -> Saved:
        """Store it with what happened to interrupts, then tell the application's own savers and listeners.

        A retry of the same save changes nothing.
        """
        agent_id, log = carried.head.agent.agent_id, carried.head.log
        card = card_of(carried.head, datetime.now(UTC))
        save = Save(
            agent_id=agent_id,
            workflow_run_id=activity.info().workflow_run_id or "",
            seq=seq,
            head=carried.at_rest.model_dump_json(),
            base=log.reached,
            segment=None if log.is_saved else await self._segment(agent_id, log),
            interrupts=tuple(item.model_dump_json() for item in docket.items),
            entries=tuple(entry.model_dump_json() for entry in docket.entries),
            rules=tuple(rule.model_dump_json() for rule in docket.rules),
            card=None if card is None else card.model_dump_json(),
        )
        before = await self.store.load(agent_id) if self.mirrors.flags else None
        row = await self.store.save(save)
        stored = Carried.model_validate_json(row.head) if row.head else carried
        mirrored = await self._mirror(carried, reason)
        if self.mirrors.flags and carried.head.agent.sub is None and _is_flag_news(before, carried, seq):
            await self.mirrors.flag(carried.head.agent, carried.head.status is Status.INTERRUPTED)
        return Saved(base=row.base, notes=stored.notes, mirrored=mirrored)

    async def _mirror(self, carried: Carried, reason: SaveReason) -> bool:
        head = carried.head
        await self.mirrors.hear(head.agent, head.log.tail, head.log.digest)
        auto_save = self.mirrors.wanted(Lifecycle.from_wire(head.lifecycle))
        is_due = auto_save is not None and not self.mirrors.waits(auto_save, reason)
        persists = self.mirrors.persists(head.agent, reason)
        if not (is_due or persists):
            return auto_save is None
        known = await self.reader.at(
            head.agent.agent_id, head.log.reference, Lead(head.log.base.position, head.log.tail)
        )
        now, waiting = datetime.now(UTC), pending(carried.mailbox)
        exported = export_state(known.state, serialized_at=now, pending_message=waiting)
        if persists:
            await self.mirrors.persist(head.agent, exported, reason)
        if auto_save is None or not is_due:
            return auto_save is None
        return await self.mirrors.save(head.agent, auto_save, exported, reason)

    async def _segment(self, agent_id: str, log: Log) -> Segment:
        operations = OPERATIONS.dump_json(log.tail).decode()
        weight = await self.store.weight(agent_id, log.base.digest) or Weight()
        due = weight.segments + len(operations) > max(SNAPSHOT_FLOOR, SNAPSHOT_RATIO * weight.snapshot)
        snapshot = await self._snapshot(agent_id, log, log.tail) if due else None
        return Segment(base=log.reached, parent=log.base, operations=operations, snapshot=snapshot)

    async def _snapshot(self, agent_id: str, log: Log, tail: tuple[Operation, ...]) -> str:
        known = await self.reader.at(agent_id, log.reference, Lead(log.base.position, tail))
        return known.snapshot


def _is_flag_news(before: SavedHead | None, carried: Carried, seq: int) -> bool:
    """Whether the agent has begun or ended to wait for people since the save before; a retry tells again."""
    if before is None or before.head is None:
        return carried.head.status is Status.INTERRUPTED
    was = Carried.model_validate_json(before.head).head.status is Status.INTERRUPTED
    return before.seq >= seq or was is not (carried.head.status is Status.INTERRUPTED)
