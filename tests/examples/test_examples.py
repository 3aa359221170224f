"""What the examples and the README show works as it is written there."""

import re
from pathlib import Path
from typing import Any

import pytest

from examples import approvals, first_taste, program, refunds, support
from sagents import Approve, Principal, Reject, Sagents
from sagents.client import AgentServer
from sagents.testing import ScriptedModel, calls, says, talk
from tests.support.deciding import server_of
from tests.support.driving import until

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.asyncio
async def test_the_smallest_agent_counts_words() -> None:
    model = ScriptedModel(calls(support.word_count, text="one two three"), says("Three."))
    assert (await talk(support.helper, model, "How many?")).text == "Three."


@pytest.mark.asyncio
async def test_the_first_taste_needs_neither_temporal_nor_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    await first_taste.main()
    assert "word_count says: 7" in capsys.readouterr().out


@pytest.mark.asyncio
async def test_a_refund_waits_for_a_person_and_is_booked_once() -> None:
    refunds.LEDGER.clear()
    model = ScriptedModel(calls(refunds.refund, order="7", amount=20.0), says("Refunded."))
    outcome = await talk(refunds.desk, model, "Order 7 never came.", answers=(Approve(),))
    assert outcome.text == "Refunded."
    assert list(refunds.LEDGER.values()) == [20.0]
    assert outcome.state.get_metadata("language") == "en"


@pytest.mark.asyncio
async def test_a_rejected_refund_is_not_booked() -> None:
    refunds.LEDGER.clear()
    model = ScriptedModel(calls(refunds.refund, order="7", amount=500.0), says("I was told no."))
    outcome = await talk(refunds.desk, model, "Order 7 never came.", answers=(Reject("too late"),))
    assert (outcome.kind, outcome.text) == ("finished", "I was told no.")
    assert refunds.LEDGER == {}


@pytest.mark.asyncio
async def test_a_program_gives_an_order_to_the_desk_and_approves(agent_env: Any) -> None:
    model = ScriptedModel(calls(refunds.refund, order="7", amount=20.0), says("Refunded."))
    async with agent_env(refunds.app, models={"desk": model}) as env:
        server = AgentServer(env.client, store=env.store, channel=env.channel, task_queue=env.settings.task_queue)
        assert await program.settle(server, env.prefix) == "Refunded."


@pytest.mark.asyncio
async def test_a_large_refund_takes_two_people_and_a_look_at_the_world(agent_env: Any) -> None:
    people = Principal("anna", ("finance",)), Principal("ben", ("finance",))
    model = ScriptedModel(
        calls(approvals.refund, order="7", amount=500.0), says("Refunded."),
        calls(approvals.refund, order="8", amount=900.0), says("It was closed."),
    )  # fmt: skip
    async with agent_env(approvals.app, models={"desk": model}) as env:
        server = server_of(env)
        session = await server.start("desk", conversation_id=env.prefix)
        for order, said in (("7", "Refunded."), ("8", "It was closed.")):
            await server.add_message(session.agent_id, f"Order {order} never came.")
            await until(lambda: server.inbox(agent_id=session.agent_id))
            if order == "8":
                approvals.CLOSED.add("8")
            assert await approvals.agree(server, *people) == ["anna: pending", "ben: approved"]
            await _reads(server, session.agent_id, said)
    assert list(approvals.LEDGER.values()) == [500.0]


async def _reads(server: AgentServer, agent_id: str, text: str) -> None:
    async def is_last() -> bool:
        messages = await server.messages(agent_id)
        return bool(messages) and messages[-1].text == text

    await until(is_last)


def test_the_readme_is_valid_python() -> None:
    assert len(BLOCKS) == 4
    for block in BLOCKS:
        compile(block, "README.md", "exec", flags=_TOP_LEVEL_AWAIT)


def test_the_readmes_agent_has_15_lines_and_is_one() -> None:
    block = next(block for block in BLOCKS if block.startswith("# support.py"))
    assert len([line for line in block.splitlines() if line.strip()]) <= 15
    names: dict[str, Any] = {}
    exec(block, names)
    assert isinstance(names["app"], Sagents)
    assert names["app"].names == ("helper",)


_TOP_LEVEL_AWAIT = 0x2000
