"""History grows with what is said, not with its square (DESIGN 10). `make bench` measures more of it."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.chatter import SAID, chatter_app, question
from benchmarks.histories import Chain, chain_of, mean_bytes, mean_events
from benchmarks.rounds import stored_bytes
from sagents.limits import Limits
from sagents_infra.stores.sqlite import SqliteStore
from tests.support.driving import Driven, started

pytestmark = pytest.mark.asyncio


async def converse(agent: Driven, rounds: int) -> Chain:
    for number in range(rounds):
        await agent.say(question(number))
    return await chain_of(agent.env.client, agent.agent_id)


async def test_a_round_costs_the_same_bytes_however_long_the_conversation_is(agent_env: Any, tmp_path: Path) -> None:
    """40 rounds of a question of 100 bytes, a tool result of 1 KB and an answer of 1 KB; each of them is saved."""
    store = SqliteStore(tmp_path / "store.db")
    async with agent_env(chatter_app(), store=store) as env:
        agent = await started(env, "chatter")
        chain = await converse(agent, 40)
    store.close()
    rounds = chain.rounds
    assert len(rounds) == 40
    assert mean_bytes(rounds, 31, 40) / mean_bytes(rounds, 6, 15) <= 1.1
    assert chain.bytes <= 0.4 * 900_000
    assert mean_events(rounds) <= 26
    assert stored_bytes(tmp_path / "store.db", agent.agent_id) <= 3 * 40 * SAID


async def test_a_round_with_an_inline_tool_takes_no_event_more_than_its_model_calls(agent_env: Any) -> None:
    async with agent_env(chatter_app()) as env:
        chain = await converse(await started(env, "inline"), 10)
        assert mean_events(chain.rounds) <= 20


async def test_continuing_as_new_costs_the_same_however_long_the_conversation_is(agent_env: Any) -> None:
    """The next workflow run is given a head, never the transcript."""
    async with agent_env(chatter_app(), limits=Limits(parked_events=150)) as env:
        chain = await converse(await started(env, "chatter"), 40)
    starts = [run[0].ByteSize() for run in chain.runs[1:]]
    assert len(starts) >= 4
    assert max(starts) <= 12_000
    assert starts[-1] <= 1.1 * starts[1]
