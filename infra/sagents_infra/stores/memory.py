"""A store in this process's memory, for tests and for trying things out."""

from threading import Lock

from sagents.ports import Chain, Save, SavedHead, Segment, Weight
from sagents_infra.stores.bases import BaseRow, chain_of, weight_of
from sagents_infra.stores.fence import claimed, saved, taken_over


class MemoryStore:
    """A `Store` that forgets with its process. Loops in several threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()  # held for microseconds, never over an await
        self._heads: dict[str, SavedHead] = {}
        self._bases: dict[str, dict[str, Segment]] = {}
        self._records: dict[str, dict[str, str]] = {}

    async def load(self, agent_id: str) -> SavedHead | None:
        return self._heads.get(agent_id)

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        with self._lock:
            row = taken_over(agent_id, self._heads.get(agent_id), workflow_run_id, generation)
            self._heads[agent_id] = row
            return row

    async def save(self, save: Save) -> SavedHead:
        with self._lock:
            before = self._heads.get(save.agent_id)
            row = saved(before, save)
            if row is not before and save.segment is not None:
                self._bases.setdefault(save.agent_id, {}).setdefault(save.segment.base.digest, save.segment)
            self._heads[save.agent_id] = row
            return row

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        with self._lock:
            return chain_of(agent_id, digest, self._back_from(agent_id, digest))

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        with self._lock:
            return weight_of(agent_id, digest, self._back_from(agent_id, digest))

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        with self._lock:
            claimed(agent_id, self._heads.get(agent_id), workflow_run_id)
            return self._records.setdefault(agent_id, {}).setdefault(key, body)

    async def get(self, agent_id: str, key: str) -> str | None:
        return self._records.get(agent_id, {}).get(key)

    async def delete(self, agent_id: str) -> None:
        with self._lock:
            self._heads.pop(agent_id, None)
            self._bases.pop(agent_id, None)
            self._records.pop(agent_id, None)

    def _back_from(self, agent_id: str, digest: str) -> list[BaseRow]:
        bases, back = self._bases.get(agent_id, {}), list[BaseRow]()
        segment = bases.get(digest)
        while segment is not None:
            back.append(BaseRow.of(segment))
            parent = None if segment.snapshot is not None else bases.get(segment.parent.digest)
            segment = parent if parent is not None and parent.base.position < segment.base.position else None
        return back
