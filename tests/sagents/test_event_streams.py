"""Streamed text is provisional: events say which reply it belongs to, and which attempt at it (B-152, B-153)."""

from dataclasses import replace
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from sagents import Agent, Message, ModelError, ModelErrorKind, Retry, Sagents
from sagents.inprocess import execute
from sagents.plan import AgentRef
from sagents.ports import Delta, DeltaSink, ModelRequest
from sagents.testing import ScriptedModel, StillTime, calls_raw, says
from sagents_infra.channels import MemoryChannel
from sagents_infra.presence import MemoryPresence
from sagents_infra.stores import MemoryStore
from sagents_infra.worker import make_kit
from tests.support.models import Thinks


def breaks_off(text: str, kind: ModelErrorKind, name: str = "breaks") -> Thinks:
    """A model that says this much and then fails."""

    def think(_: ModelRequest, on_delta: DeltaSink) -> Message:
        on_delta(Delta(text=text))
        raise ModelError("the line is dead", kind)

    return Thinks(think, name)


def heard(stage: StillTime, type: str = "llm_deltas") -> list[tuple[Any, ...]]:
    """Of each event the attempt and, of deltas, the text."""
    happened: list[dict[str, Any]] = stage.happened(type)
    return [(data["attempt"], "".join(delta["text"] for delta in data.get("deltas", ()))) for data in happened]


@pytest.mark.asyncio
async def test_each_try_of_each_model_is_a_higher_attempt_at_one_stream() -> None:
    stage = StillTime()
    agent = Agent(model=breaks_off("Once ", ModelErrorKind.RETRY), fallback_models=[ScriptedModel(says("Good day"))])
    outcome = await execute(agent, "Hello", around=stage.surroundings(retry=Retry(attempts=2)))
    assert heard(stage) == [(1, "Once "), (2, "Once "), (3, "Good "), (3, "day")]
    assert heard(stage, "llm_error") == [(1, ""), (2, "")]
    (whole,) = stage.happened("llm_message")
    ids = {data["stream_id"] for _, data in stage.events if "stream_id" in data}
    assert ids == {whole["stream_id"]} == {outcome.state.messages[-1].id}


@pytest.mark.asyncio
async def test_what_is_kept_of_a_reply_that_broke_off_closes_its_stream() -> None:
    """B-13, B-153."""
    stage = StillTime()
    await execute(Agent(model=breaks_off("Once ", ModelErrorKind.FAIL)), "Hello", around=stage.surroundings())
    (delta,), (whole,) = stage.happened("llm_deltas"), stage.happened("llm_message")
    assert delta["stream_id"] == whole["stream_id"]


@pytest.mark.asyncio
async def test_the_next_reply_is_another_stream() -> None:
    stage = StillTime()
    model = ScriptedModel(calls_raw("nothing_that_exists", {}), says("Never mind"))
    await execute(Agent(model=model), "Hello", around=stage.surroundings())
    assert len({data["stream_id"] for data in stage.happened("llm_message")}) == 2


@pytest.mark.asyncio
async def test_a_worker_that_takes_over_from_a_lost_one_begins_with_a_higher_attempt() -> None:
    kit = make_kit(Sagents(), MemoryStore(), MemoryChannel(), MemoryPresence())
    ref, stage, lost = AgentRef(agent_id="a"), StillTime(), StillTime()

    async def run(number: int, on: StillTime) -> None:
        env = ActivityEnvironment()
        env.info = replace(env.info, attempt=number)
        around = env.run(lambda: kit.surroundings(kit.announcer(ref, None, "key"), ref))
        mine = replace(on.surroundings(retry=Retry(attempts=30)), earlier_attempts=around.earlier_attempts)
        await execute(Agent(model=breaks_off("Once ", ModelErrorKind.RETRY)), "Hello", around=mine)

    await run(1, lost)
    await run(2, stage)
    kit.userland.close()
    assert max(heard(lost)) < min(heard(stage))
