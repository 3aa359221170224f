"""A store in one DynamoDB table, for agents whose doors and workers are on many machines. Imports boto3.

`docs/stores.md` has the table: its keys, its index, what expires and which rights are needed.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from sagents.cards import AgentCard
from sagents.display import DisplayMessage
from sagents.events import Event
from sagents.ports import Chain, Claim, News, PendingInterrupt, Save, SavedHead, Weight
from sagents_infra.stores import (
    dynamodb_asking,
    dynamodb_bases,
    dynamodb_cards,
    dynamodb_decisions,
    dynamodb_log,
    dynamodb_records,
    dynamodb_saving,
    dynamodb_transcript,
)
from sagents_infra.stores.bases import chain_of
from sagents_infra.stores.deciding import wished
from sagents_infra.stores.dynamodb_fence import read
from sagents_infra.stores.dynamodb_rows import Row
from sagents_infra.stores.dynamodb_table import Table
from sagents_infra.stores.entries import in_line
from sagents_infra.stores.fence import taken_over
from sagents_infra.stores.keeping import Keeping
from sagents_infra.stores.lanes import Lanes

T = TypeVar("T")

AT_ONCE = 16
"""Requests at a time."""
PATIENCE = timedelta(seconds=2)
"""How long a call is tried anew while others are faster; less than the 3 s that a save may take, so it can say why."""


class DynamoDBStore:
    """A `Store` in a table. Calls may come from any event loop; call `close` when done."""

    def __init__(self, client: Any, table: str, keeping: Keeping | None = None, patience: timedelta = PATIENCE) -> None:
        self._table, self._keeping = Table(client, table, patience), keeping or Keeping()
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="dynamodb")
        self._lanes = Lanes(self._threads)

    async def load(self, agent_id: str) -> SavedHead | None:
        return await self._read(lambda table: _load(table, agent_id))

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        return await self._write(agent_id, lambda table: _take_over(table, agent_id, workflow_run_id, generation))

    async def save(self, save: Save) -> SavedHead:
        return await self._write(save.agent_id, lambda table: dynamodb_saving.save(table, save, self._keeping))

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        return chain_of(agent_id, digest, await self._read(lambda table: dynamodb_bases.back(table, agent_id, digest)))

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        return await self._read(lambda table: dynamodb_bases.weight(table, agent_id, digest))

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        expires = self._expires(self._keeping.records)
        return await self._write(
            agent_id, lambda table: dynamodb_records.put_once(table, agent_id, (key, body), workflow_run_id, expires)
        )

    async def get(self, agent_id: str, key: str) -> str | None:
        return await self._read(lambda table: dynamodb_records.get(table, agent_id, key))

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str | None) -> tuple[Event, ...]:
        expires = self._expires(self._keeping.events)
        return await self._write(
            agent_id, lambda table: dynamodb_log.append(table, agent_id, news, workflow_run_id, expires)
        )

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        return await self._read(lambda table: dynamodb_log.events(table, agent_id, after, limit))

    async def trim(self, agent_id: str, before: int) -> int:
        return await self._write(agent_id, lambda table: dynamodb_log.trim(table, agent_id, before))

    async def rows(
        self, agent_id: str, *, after: int | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[DisplayMessage, ...]:
        return await self._read(lambda table: dynamodb_transcript.page(table, agent_id, after, before, limit))

    async def row(self, agent_id: str, row_id: str) -> DisplayMessage | None:
        return await self._read(lambda table: dynamodb_transcript.one(table, agent_id, row_id))

    async def agents(self, prefix: str = "", after: str = "", limit: int = 100) -> tuple[AgentCard, ...]:
        return await self._read(lambda table: dynamodb_cards.cards(table, prefix, after, limit))

    async def deposit(self, agent_id: str, key: str, body: str) -> None:
        await self._write(agent_id, lambda table: dynamodb_records.deposit(table, agent_id, key, body))

    async def interrupts(self, agent_id: str | None = None) -> tuple[PendingInterrupt, ...]:
        return in_line(await self._read(lambda table: dynamodb_asking.waiting(table, agent_id)))

    async def log(self, agent_id: str, entries: Sequence[str], workflow_run_id: str) -> None:
        await self._write(agent_id, lambda table: dynamodb_saving.log(table, agent_id, list(entries), workflow_run_id))

    async def logged(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[str, ...]:
        return await self._read(lambda table: dynamodb_decisions.logged(table, agent_id, after, limit))

    async def logs(self) -> tuple[str, ...]:
        return await self._read(dynamodb_decisions.logs)

    async def rules(self, keys: Sequence[str] | None = None) -> tuple[str, ...]:
        return await self._read(lambda table: dynamodb_decisions.rules(table, keys))

    async def revoke_rule(self, rule_id: str, by: str, at: datetime) -> bool:
        return await self._read(lambda table: dynamodb_decisions.revoke(table, rule_id, by, at))

    async def claim(
        self, agent_id: str, interrupt_id: str, by: str, until: datetime | None, now: datetime
    ) -> Claim | None:
        wish = wished(agent_id, interrupt_id, by, until)
        return await self._write(
            agent_id, lambda table: dynamodb_asking.claim(table, (agent_id, interrupt_id), by, wish, now)
        )

    async def claims(self, agent_id: str | None = None) -> tuple[Claim, ...]:
        return await self._read(lambda table: dynamodb_asking.claims(table, agent_id))

    async def delete(self, agent_id: str) -> None:
        await self._write(agent_id, lambda table: dynamodb_saving.delete(table, agent_id))

    def close(self) -> None:
        """Finish what was asked for."""
        self._threads.shutdown()

    def _expires(self, keeping: timedelta | None) -> Row:
        """When DynamoDB may remove a row that is written now."""
        return {} if keeping is None else {"expires": int(self._keeping.clock() + keeping.total_seconds())}

    async def _read(self, work: Callable[[Table], T]) -> T:
        return await asyncio.wrap_future(self._threads.submit(self._settle, work))

    async def _write(self, agent_id: str, work: Callable[[Table], T]) -> T:
        return await asyncio.wrap_future(self._lanes.submit(agent_id, lambda: self._settle(work)))

    def _settle(self, work: Callable[[Table], T]) -> T:
        return self._table.settled(lambda: work(self._table))


def dynamodb_client(region: str | None = None, endpoint: str | None = None) -> Any:
    """A client of bounded time-outs and retries. Credentials, and what is not given, come from AWS's usual places."""
    config = Config(
        max_pool_connections=AT_ONCE,
        connect_timeout=1,
        read_timeout=3,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return boto3.client("dynamodb", region_name=region, endpoint_url=endpoint, config=config)


def _load(table: Table, agent_id: str) -> SavedHead | None:
    fence = read(table, agent_id)
    return None if fence.saved is None else fence.whole(table, fence.saved)


def _take_over(table: Table, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
    fence = read(table, agent_id)
    fence.check_lives()
    row = taken_over(agent_id, fence.saved, workflow_run_id, generation)
    whole = fence.whole(table, row)
    if row is not fence.saved:
        table.write([fence.after(row).replacing(fence)])
    return whole
