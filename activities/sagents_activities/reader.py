"""Reading an agent's state by reference: from what is known, the workflow's own tail and the store; always verified."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity
from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from sagents import contract
from sagents.carried import Page, PageRequest
from sagents.errors import Damaged, StateUnavailable
from sagents.operations import Operation
from sagents.plan import Reference
from sagents.ports import Base, Store
from sagents.state import State
from sagents_activities.elsewhere import bridged
from sagents_activities.known import Known, StateCache, unrolled

QUERY_TIMEOUT = timedelta(seconds=3)
QUERY_TRIES = 5


@dataclass(frozen=True)
class Lead:
    """Operations that a caller brings along: those after position `since`."""

    since: int | None = None
    operations: tuple[Operation, ...] = ()

    def between(self, start: int, end: int) -> tuple[Operation, ...] | None:
        """The operations from `start` to `end`, if all of them are here."""
        if self.since is None or not self.since <= start <= end <= self.since + len(self.operations):
            return None
        return self.operations[start - self.since : end - self.since]


@dataclass(frozen=True)
class StateReader:
    """Reads states for the activities of one worker process, one reader at a time per agent: Temporal buffers about

    one consistent query per workflow.
    """

    store: Store
    cache: StateCache = field(default_factory=StateCache)
    _locks: dict[str, list[asyncio.Lock]] = field(default_factory=lambda: defaultdict(list))

    async def read(self, agent_id: str, wanted: Reference, lead: Lead | None = None) -> State:
        """The state at a reference.

        Raises `StateUnavailable` (try again) or `Damaged` (what is stored is not what was saved).
        """
        async with self._alone(agent_id):
            known = await self._known(agent_id, wanted, lead or Lead())
            self.cache.put(agent_id, known)
        return known.state

    async def at(self, agent_id: str, wanted: Reference, lead: Lead) -> Known:
        """The state at a reference with its position: what a snapshot is made of."""
        async with self._alone(agent_id):
            return await self._known(agent_id, wanted, lead)

    def from_elsewhere(self, agent_id: str, wanted: Reference) -> Callable[[], Awaitable[State]]:
        """`read` for code that runs on another event loop."""

        async def read() -> State:
            return await self.read(agent_id, wanted)

        return bridged(read)

    def extend(self, agent_id: str, reference: Reference, operations: tuple[Operation, ...]) -> None:
        """Remember what a state became, if the state it was is still known."""
        known = self.cache.get(agent_id)
        if known is not None and known.is_at(Base(position=reference.position, digest=reference.digest)):
            self.cache.put(agent_id, known.after(operations))

    async def _known(self, agent_id: str, wanted: Reference, lead: Lead) -> Known:
        cached = self.cache.get(agent_id)
        if cached is not None and wanted.base.position <= cached.position <= wanted.position:
            known = cached.after(await self._between(agent_id, cached.position, wanted.position, lead))
            if known.digest == wanted.digest:
                return known
            self.cache.drop(agent_id)  # another branch of the log: the workflow was reset
        base = await self.base(agent_id, wanted.base)
        return _verified(
            agent_id,
            base.after(await self._between(agent_id, base.position, wanted.position, lead)),
            wanted.digest,
        )

    async def base(self, agent_id: str, base: Base) -> Known:
        """The state at a confirmed save, from the store."""
        if base.position == 0:
            return Known()
        chain = await self.store.chain(agent_id, base.digest)
        if chain is None:
            raise Damaged(f"The store lost the state of {agent_id!r} at position {base.position}.")
        return _verified(agent_id, unrolled(chain), base.digest)

    async def _between(self, agent_id: str, start: int, end: int, lead: Lead) -> tuple[Operation, ...]:
        brought = lead.between(start, end)
        return brought if brought is not None else await self.tail(agent_id, start, end)

    async def tail(self, agent_id: str, since: int, until: int) -> tuple[Operation, ...]:
        """Operations between two positions, asked of the activity's own workflow run, page by page."""
        operations: list[Operation] = []
        while since + len(operations) < until:
            page = await self.page(agent_id, PageRequest(since=since + len(operations)))
            if not page.operations:
                raise StateUnavailable(f"{agent_id!r} no longer has its operations after {since + len(operations)}.")
            operations.extend(page.operations)
        return tuple(operations[: until - since])

    async def page(self, agent_id: str, request: PageRequest) -> Page:
        """One page of the tail, asked of the run that scheduled this activity; `StateUnavailable` after retries."""
        handle = activity.client().get_workflow_handle(agent_id, run_id=activity.info().workflow_run_id)
        problem: Exception | None = None
        for attempt in range(QUERY_TRIES):
            try:
                page: Page = await handle.query(contract.PAGE, request, result_type=Page, rpc_timeout=QUERY_TIMEOUT)
            except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
                problem = error
                await asyncio.sleep(random.uniform(0.05, 0.2) * 2**attempt)
            else:
                return page
        raise StateUnavailable(f"The workflow of {agent_id!r} did not answer a query: {problem}")

    @asynccontextmanager
    async def _alone(self, agent_id: str) -> AsyncIterator[None]:
        """One at a time per agent; the locks of agents that nobody reads are forgotten."""
        waiting = self._locks[agent_id]
        lock = waiting[0] if waiting else asyncio.Lock()
        waiting.append(lock)
        try:
            async with lock:
                yield
        finally:
            waiting.pop()
            if not waiting:
                self._locks.pop(agent_id, None)


def _verified(agent_id: str, known: Known, digest: str) -> Known:
    if known.digest != digest:
        raise Damaged(f"What is stored of {agent_id!r} does not have the digest of position {known.position}.")
    return known
