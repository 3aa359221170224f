"""A store that somebody watches: before and after each call the watcher may wait, raise, or end the process."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from temporalio import activity

from sagents.cards import AgentCard
from sagents.display import DisplayMessage
from sagents.events import Event
from sagents.ports import Chain, Claim, News, PendingInterrupt, Save, SavedHead, Store, Weight

T = TypeVar("T")


@dataclass(frozen=True)
class StoreCall:
    """A call of the store: its method, its key where it has one, and the kind of activity that makes it."""

    method: str
    key: str = ""
    effect: str = ""


Watcher = Callable[[StoreCall], Awaitable[None]]


async def nothing(_: StoreCall) -> None:
    """A watcher that lets everything pass."""


@dataclass
class WatchedStore:
    """Another store with a watcher on each side of it; they may be exchanged at any time."""

    inner: Store
    before: Watcher = nothing
    after: Watcher = nothing

    async def load(self, agent_id: str) -> SavedHead | None:
        return await self._watched("load", "", lambda: self.inner.load(agent_id))

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        return await self._watched("take_over", "", lambda: self.inner.take_over(agent_id, workflow_run_id, generation))

    async def save(self, save: Save) -> SavedHead:
        return await self._watched("save", "", lambda: self.inner.save(save))

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        return await self._watched("chain", digest, lambda: self.inner.chain(agent_id, digest))

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        return await self._watched("weight", digest, lambda: self.inner.weight(agent_id, digest))

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        return await self._watched("put_once", key, lambda: self.inner.put_once(agent_id, key, body, workflow_run_id))

    async def get(self, agent_id: str, key: str) -> str | None:
        return await self._watched("get", key, lambda: self.inner.get(agent_id, key))

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str | None) -> tuple[Event, ...]:
        rows = " ".join(one.row.id for one in news if one.row)
        return await self._watched("append", rows, lambda: self.inner.append(agent_id, news, workflow_run_id))

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        return await self._watched("events", "", lambda: self.inner.events(agent_id, after, limit))

    async def trim(self, agent_id: str, before: int) -> int:
        return await self._watched("trim", "", lambda: self.inner.trim(agent_id, before))

    async def rows(
        self, agent_id: str, *, after: int | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[DisplayMessage, ...]:
        return await self._watched(
            "rows", "", lambda: self.inner.rows(agent_id, after=after, before=before, limit=limit)
        )

    async def row(self, agent_id: str, row_id: str) -> DisplayMessage | None:
        return await self._watched("row", row_id, lambda: self.inner.row(agent_id, row_id))

    async def agents(self, prefix: str = "", after: str = "", limit: int = 100) -> tuple[AgentCard, ...]:
        return await self._watched("agents", "", lambda: self.inner.agents(prefix, after, limit))

    async def deposit(self, agent_id: str, key: str, body: str) -> None:
        await self._watched("deposit", key, lambda: self.inner.deposit(agent_id, key, body))

    async def interrupts(self, agent_id: str | None = None) -> tuple[PendingInterrupt, ...]:
        return await self._watched("interrupts", "", lambda: self.inner.interrupts(agent_id))

    async def log(self, agent_id: str, entries: Sequence[str], workflow_run_id: str) -> None:
        await self._watched("log", "", lambda: self.inner.log(agent_id, entries, workflow_run_id))

    async def logged(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[str, ...]:
        return await self._watched("logged", "", lambda: self.inner.logged(agent_id, after, limit))

    async def logs(self) -> tuple[str, ...]:
        return await self._watched("logs", "", lambda: self.inner.logs())

    async def rules(self, keys: Sequence[str] | None = None) -> tuple[str, ...]:
        return await self._watched("rules", "", lambda: self.inner.rules(keys))

    async def revoke_rule(self, rule_id: str, by: str, at: datetime) -> bool:
        return await self._watched("revoke_rule", rule_id, lambda: self.inner.revoke_rule(rule_id, by, at))

    async def claim(
        self, agent_id: str, interrupt_id: str, by: str, until: datetime | None, now: datetime
    ) -> Claim | None:
        return await self._watched(
            "claim", interrupt_id, lambda: self.inner.claim(agent_id, interrupt_id, by, until, now)
        )

    async def claims(self, agent_id: str | None = None) -> tuple[Claim, ...]:
        return await self._watched("claims", "", lambda: self.inner.claims(agent_id))

    async def delete(self, agent_id: str) -> None:
        await self._watched("delete", "", lambda: self.inner.delete(agent_id))

    async def _watched(self, method: str, key: str, work: Callable[[], Awaitable[T]]) -> T:
        call = StoreCall(method, key, activity.info().activity_type if activity.in_activity() else "")
        await self.before(call)
        done = await work()
        await self.after(call)
        return done
