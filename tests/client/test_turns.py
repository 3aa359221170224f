"""Many who tell one agent something at the same moment: Temporal takes ten updates of a workflow at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from sagents import contract
from sagents.client.line import Line
from sagents.client.turns import AT_ONCE
from sagents.contract import Accepted
from sagents.errors import CannotAnswer

pytestmark = pytest.mark.asyncio

ROOM = 10
"""Of Temporal for each workflow (`history.maxInFlightUpdates`)."""


@dataclass
class Temporal:
    """Takes updates one after the other, as a test lets it, and counts those under way."""

    going_on: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: list[str] = field(default_factory=list)
    most: int = 0
    taken: list[str] = field(default_factory=list)

    def get_workflow_handle(self, agent_id: str) -> "Temporal":
        return self

    async def execute_update(self, name: str, payload: Any, *, id: str, **_: Any) -> Accepted:
        self.under_way.append(id)
        self.most = max(self.most, len(self.under_way))
        try:
            await self.going_on.wait()
            self.taken.append(id)
        finally:
            self.under_way.remove(id)
        return Accepted(id=id)


def line(temporal: Temporal, seconds: float = 20) -> Line:
    client: Any = temporal
    return Line(client, "queue", timedelta(seconds=seconds))


def tell(line: Line, agent_id: str, *ids: str) -> list["asyncio.Task[Accepted]"]:
    return [asyncio.create_task(line.update(agent_id, contract.ADD_MESSAGE, {}, one)) for one in ids]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_agent_is_told_no_more_at_once_than_temporal_has_room_for_and_in_order() -> None:
    temporal = Temporal()
    ids = [f"m{number}" for number in range(50)]
    telling = tell(line(temporal), "a", *ids)
    await settle()
    assert temporal.under_way == ids[:AT_ONCE]
    temporal.going_on.set()
    assert [(await one).id for one in telling] == ids
    assert temporal.taken == ids
    assert temporal.most == AT_ONCE < ROOM


async def test_another_agent_is_told_beside_it_and_the_same_line_with_other_patience_is_one_line() -> None:
    temporal = Temporal()
    ours = line(temporal)
    telling = [*tell(ours, "a", *map(str, range(AT_ONCE))), *tell(ours.within(timedelta(seconds=9)), "a", "late")]
    telling += tell(ours, "b", "other")
    await settle()
    assert "other" in temporal.under_way
    assert "late" not in temporal.under_way
    temporal.going_on.set()
    await asyncio.gather(*telling)
    assert "late" in temporal.taken


async def test_who_waits_in_line_gives_up_when_patience_ends_and_leaves_the_place_to_the_next() -> None:
    temporal = Temporal()
    ours = line(temporal)
    first = tell(ours, "a", *map(str, range(AT_ONCE)))
    await settle()
    with pytest.raises(CannotAnswer):
        await ours.within(timedelta(milliseconds=20)).update("a", contract.ADD_MESSAGE, {}, "impatient")
    after = tell(ours, "a", "after")
    temporal.going_on.set()
    await asyncio.gather(*first, *after)
    assert temporal.taken[-1] == "after"
    assert "impatient" not in temporal.taken


async def test_threads_with_event_loops_of_their_own_do_not_wait_for_each_other() -> None:
    """As a tool in a thread does that tells another agent something by `asyncio.run`."""
    temporal = Temporal()
    ours = line(temporal)
    first = tell(ours, "a", *map(str, range(AT_ONCE + 1)))
    await settle()

    async def elsewhere() -> list[str | None]:
        there = Temporal()
        there.going_on.set()
        client: Any = there
        telling = tell(replace(ours, client=client), "a", *map(str, range(2 * AT_ONCE)))
        return [(await one).id for one in telling]

    with ThreadPoolExecutor(1) as threads:
        told = await asyncio.get_running_loop().run_in_executor(threads, lambda: asyncio.run(elsewhere()))
    assert told == [str(number) for number in range(2 * AT_ONCE)]
    temporal.going_on.set()
    await asyncio.gather(*first)
