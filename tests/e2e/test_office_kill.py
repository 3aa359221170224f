"""The conversation with all capabilities survives a worker that is killed, at the top and below (K-1, K-2)."""

from pathlib import Path

import pytest

from sagents_infra.blobs import DiskBlobs
from sagents_infra.dev_server import DevServer
from tests.support import office as talk
from tests.support.errands import Day

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(240)]

PLACES = {
    "clerk.replied:4": "in a model step of the parent, after the reply and before its record",
    "effect.done:1": "in the sub-agent's tool, after its effect and before its result",
    "refund.checked:1": "between the decision about the sub-agent's call and the call",
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_killed_worker_costs_the_office_nothing(temporal_server: DevServer, tmp_path: Path, place: str) -> None:
    """B-46, B-52: nothing is lost, nothing is asked, written or paid twice."""
    async with Day.begin(temporal_server.address, tmp_path, place, module="tests.support.apps.office") as day:
        blobs = DiskBlobs(tmp_path / "home/files")
        conversation = talk.Conversation(day.server, day.store, day.agent_id, day.insist)
        await conversation.begin(blobs)
        for text in (talk.FIRST, talk.SECOND):
            await conversation.say(text)
            await day.until(conversation.is_over)
        assert await conversation.problems(blobs, day.ledger.amounts()) == []
        assert day.workers.killed == 1
        tried = [key for _, key in day.ledger.notes("tried")]
        assert len(tried) - len(set(tried)) == (place == "effect.done:1")
