"""A store in this process's memory, for tests and for trying things out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Lock

from sagents.events import Event
from sagents.ports import Chain, News, PendingInterrupt, Save, SavedHead, Segment, Weight
from sagents_infra.stores.bases import BaseRow, chain_of, weight_of
from sagents_infra.stores.entries import Waiting, arrived, entry_of, event_of, in_line
from sagents_infra.stores.fence import claimed, saved, taken_over


@dataclass
class Kept:
    """All that is kept of one agent. `log` holds the events by slot: the first has id 1, the next 2, and so on."""

    head: SavedHead | None = None
    bases: dict[str, Segment] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    log: dict[str, str] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()

    def back_from(self, digest: str) -> list[BaseRow]:
        back = list[BaseRow]()
        segment = self.bases.get(digest)
        while segment is not None:
            back.append(BaseRow.of(segment))
            parent = None if segment.snapshot is not None else self.bases.get(segment.parent.digest)
            segment = parent if parent is not None and parent.base.position < segment.base.position else None
        return back


class MemoryStore:
    """A `Store` that forgets with its process. Loops in several threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()  # held for microseconds, never over an await
        self._agents: dict[str, Kept] = {}
        self._numbers = count()

    async def load(self, agent_id: str) -> SavedHead | None:
        return self._read(agent_id).head

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        with self._lock:
            row = taken_over(agent_id, self._read(agent_id).head, workflow_run_id, generation)
            self._kept(agent_id).head = row
            return row

    async def save(self, save: Save) -> SavedHead:
        with self._lock:
            kept = self._read(save.agent_id)
            row = saved(kept.head, save)
            if row is not kept.head:
                kept.head = row
                kept.waiting = self._replaced(kept.waiting, save)
                if save.segment is not None:
                    kept.bases.setdefault(save.segment.base.digest, save.segment)
            return row

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        with self._lock:
            return chain_of(agent_id, digest, self._read(agent_id).back_from(digest))

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        with self._lock:
            return weight_of(agent_id, digest, self._read(agent_id).back_from(digest))

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        with self._lock:
            kept = self._read(agent_id)
            claimed(agent_id, kept.head, workflow_run_id)
            return kept.records.setdefault(key, body)

    async def get(self, agent_id: str, key: str) -> str | None:
        return self._read(agent_id).records.get(key)

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str) -> tuple[Event, ...]:
        with self._lock:
            kept = self._read(agent_id)
            claimed(agent_id, kept.head, workflow_run_id)
            kept.log.update(_new_entries(kept.log, news))
            return tuple(event_of(agent_id, kept.log[one.slot]) for one in news)

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        with self._lock:
            entries = list(self._read(agent_id).log.values())[max(after, 0) :][:limit]
        return tuple(event_of(agent_id, entry) for entry in entries)

    async def deposit(self, agent_id: str, key: str, body: str) -> None:
        with self._lock:
            self._kept(agent_id).records.setdefault(key, body)

    async def interrupts(self, agent_id: str | None = None) -> tuple[PendingInterrupt, ...]:
        with self._lock:
            asked = [*self._agents.values()] if agent_id is None else [self._read(agent_id)]
        return in_line(waiting for kept in asked for waiting in kept.waiting)

    async def delete(self, agent_id: str) -> None:
        with self._lock:
            self._agents.pop(agent_id, None)

    def _read(self, agent_id: str) -> Kept:
        return self._agents.get(agent_id, Kept())

    def _kept(self, agent_id: str) -> Kept:
        """The same, to be written to."""
        return self._agents.setdefault(agent_id, Kept())

    def _replaced(self, before: Sequence[Waiting], save: Save) -> tuple[Waiting, ...]:
        stay = [one for one in before if one.body in save.interrupts]
        come = [Waiting.of(save.agent_id, body, next(self._numbers)) for body in arrived(save.interrupts, before)]
        return (*stay, *come)


def _new_entries(log: Mapping[str, str], news: Sequence[News]) -> dict[str, str]:
    """What comes into the log by these news: all of it or, where one cannot be written, nothing."""
    new = dict[str, str]()
    for one in news:
        if one.slot not in log and one.slot not in new:
            new[one.slot] = entry_of(one, len(log) + len(new) + 1)
    return new
