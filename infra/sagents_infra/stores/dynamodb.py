"""A store in one DynamoDB table, for agents whose doors and workers are on many machines. Imports boto3.

`docs/stores.md` has the table: its keys, its index, what expires and which rights are needed.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import time
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from sagents.events import Event
from sagents.ports import Chain, Claim, News, PendingInterrupt, Save, SavedHead, Weight
from sagents_infra.stores import dynamodb_asking, dynamodb_bases, dynamodb_decisions, dynamodb_log, dynamodb_saving
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.bases import chain_of
from sagents_infra.stores.deciding import wished
from sagents_infra.stores.dynamodb_fence import Fence, read
from sagents_infra.stores.dynamodb_rows import Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import drafting, text_of
from sagents_infra.stores.entries import in_line
from sagents_infra.stores.fence import taken_over
from sagents_infra.stores.lanes import Lanes

T = TypeVar("T")

AT_ONCE = 16
"""Requests at a time."""
PATIENCE = timedelta(seconds=2)
"""How long a call is tried anew while others are faster; less than the 3 s that a save may take, so it can say why."""


@dataclass(frozen=True)
class Keeping:
    """How long rows stay that DynamoDB may remove by itself; None is for ever."""

    records: timedelta | None = None
    events: timedelta | None = None


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
        return await self._write(save.agent_id, lambda table: dynamodb_saving.save(table, save))

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        return chain_of(agent_id, digest, await self._read(lambda table: dynamodb_bases.back(table, agent_id, digest)))

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        return await self._read(lambda table: dynamodb_bases.weight(table, agent_id, digest))

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        expires = _expires(self._keeping.records)
        return await self._write(
            agent_id, lambda table: _put_once(table, agent_id, (key, body), workflow_run_id, expires)
        )

    async def get(self, agent_id: str, key: str) -> str | None:
        return await self._read(lambda table: _get(table, agent_id, key))

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str) -> tuple[Event, ...]:
        expires = _expires(self._keeping.events)
        return await self._write(
            agent_id, lambda table: dynamodb_log.append(table, agent_id, news, workflow_run_id, expires)
        )

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        return await self._read(lambda table: dynamodb_log.events(table, agent_id, after, limit))

    async def deposit(self, agent_id: str, key: str, body: str) -> None:
        await self._write(agent_id, lambda table: _deposit(table, agent_id, key, body))

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


def _put_once(table: Table, agent_id: str, record: tuple[str, str], run: str, expires: Row) -> str:
    key, body = rows.record(agent_id, record[0]), record[1]
    found = table.get([rows.fence(agent_id), key])
    fence = Fence.of(agent_id, found.get(rows.fence(agent_id)))
    fence.claimed(run)
    if key in found:
        return text_of(table, key.partition, found[key]) or ""
    with drafting(table, key.partition) as draft:
        table.write([fence.check(), Write({**key.row, **draft.text(body), **expires}, ABSENT)])
    return body


def _get(table: Table, agent_id: str, key: str) -> str | None:
    row = table.one(rows.record(agent_id, key))
    return None if row is None else text_of(table, rows.partition(agent_id), row)


def _deposit(table: Table, agent_id: str, key: str, body: str) -> None:
    place = rows.record(agent_id, key)
    if table.one(place, ["count"]) is None:
        with drafting(table, place.partition) as draft:
            table.write([Write({**place.row, **draft.text(body)}, ABSENT)])


def _expires(keeping: timedelta | None) -> Row:
    """When DynamoDB may remove a row that is written now."""
    return {} if keeping is None else {"expires": int(time() + keeping.total_seconds())}
