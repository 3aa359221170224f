"""A worker process is killed by SIGKILL in the middle of a run, and another one goes on (K-1, K-2, L-54, L-56).

Some places here; all of them, with other seeds, by `make chaos`.
"""

from pathlib import Path

import pytest

from sagents.decision_log import Row, broken
from sagents.status import Status
from sagents_infra.dev_server import DevServer
from tests.support.errands import Day

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]


@pytest.mark.parametrize("place", ["step.recorded:2", "rows.done:2", "tool.done:1", "wake.claimed:2"])
async def test_a_killed_worker_costs_seconds_and_nothing_else(
    temporal_server: DevServer, tmp_path: Path, place: str
) -> None:
    """No message is lost or repeated, no recorded step is asked again, each payment is made once."""
    async with Day.begin(temporal_server.address, tmp_path, place) as day:
        await day.live()
        assert await day.problems() == []


@pytest.mark.parametrize("place", ["save.begun:2", "save.done:2"])
async def test_a_worker_killed_between_a_decision_and_its_call_runs_the_call_once(
    temporal_server: DevServer, tmp_path: Path, place: str
) -> None:
    """The day's second save is that of the decision: it is on record before the approved call runs."""
    async with Day.begin(temporal_server.address, tmp_path, place) as day:
        await day.live()
        assert await day.problems() == []
        rows = [Row.model_validate_json(row) for row in await day.store.logged(day.agent_id)]
        assert [row.entry.kind for row in rows] == ["requested", "decided"]
        assert broken(rows) is None


async def test_a_call_that_must_not_run_twice_is_reported_to_the_model_as_unknown(
    temporal_server: DevServer, tmp_path: Path
) -> None:
    async with Day.begin(temporal_server.address, tmp_path, "post.begun") as day:
        await day.insist(lambda: day.server.start("errands", agent_id=day.agent_id))
        await day.tell("letter")

        async def answered() -> bool:
            messages = await day.messages()
            return bool(messages) and "outcome of this call is unknown" in messages[-1].text

        await day.until(answered)
        assert day.workers.killed == 1
        assert len(day.ledger.notes("tried")) == 1


async def test_an_agent_whose_workflow_was_terminated_comes_back_with_all_that_was_saved(
    temporal_server: DevServer, tmp_path: Path
) -> None:
    """L-54, L-15: an operator's kill is the one end without a goodbye. An interrupt that was saved waits on (K-3)."""
    async with Day.begin(temporal_server.address, tmp_path) as day:
        await day.insist(lambda: day.server.start("errands", agent_id=day.agent_id))
        await day.tell("one")
        await day.reaches(Status.IDLE)
        await day.tell("two")
        await day.reaches(Status.INTERRUPTED)
        await day.until(day.is_saved)
        handle = await day.server.whereis(day.agent_id)
        assert handle is not None
        await handle.terminate("out of memory")
        assert await day.status() is Status.NOT_RUNNING
        await day.approve()
        await day.reaches(Status.IDLE)
        assert [message.text for message in await day.messages() if message.role == "user"] == ["one", "two"]
        assert (await day.messages())[-1].text == "shredded bill and paid 10"
        assert day.ledger.amounts() == [1, 10]
