"""Hooks ask models of their own, beside the conversation."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sagents import Agent, HookContext, Message, Middleware, Model, ModelError, State, telemetry
from sagents.inprocess import execute
from sagents.ports import ModelRequest
from sagents.retry import Retry
from sagents.testing import ScriptedModel, StillTime, fails, says, talk

QUESTION = ModelRequest(messages=(Message.user("What language is this?"),))


class Language(Middleware):
    """Asks a model what language people speak, and keeps the answer."""

    def __init__(self, *models: Model | str) -> None:
        self.models = models

    async def before_run(self, state: State, context: HookContext, /) -> State:
        reply = await context.ask(QUESTION, *self.models)
        return state.put_metadata("language", reply.text).put_metadata("at", context.now().isoformat())


@pytest.mark.asyncio
async def test_a_hook_asks_a_model_and_people_hear_nothing_of_it() -> None:
    guesser, time = ScriptedModel(says("German")), StillTime()
    agent = Agent(model="test:any", middleware=[Language(guesser)])
    outcome = await talk(agent, ScriptedModel(says("Guten Tag!")), "Hallo", time=time)
    guesser.done()
    assert outcome.state.get_metadata("language") == "German"
    assert outcome.state.get_metadata("at") == time.now.isoformat()
    assert guesser.requests == [QUESTION]
    assert [str(delta["deltas"]).count("text") for delta in time.happened("llm_deltas")] == [1, 1]
    assert "German" not in str(time.events)
    assert len(time.happened("llm_message")) == 1


@pytest.mark.asyncio
async def test_it_is_tried_like_the_agents_own_and_measured() -> None:
    guesser, time = ScriptedModel(fails(times=2), says("German")), StillTime()
    measured: list[tuple[object, object]] = []
    agent = Agent(model=ScriptedModel(says("Hi")), middleware=[Language(fails_always(), guesser)])

    def measure(event: object, /, **measurements: object) -> None:
        measured.append((event, measurements.get("model")))

    around = replace(time.surroundings(retry=Retry(attempts=3)), measure=measure)
    outcome = await execute(agent, "Hallo", around=around)
    assert outcome.unwrap().state.get_metadata("language") == "German"
    assert measured.count((telemetry.LLM_ERROR, "scripted")) == 2
    assert time.happened("llm_error") == []


def fails_always() -> ScriptedModel:
    return ScriptedModel(fails(times=9), name="away")


@pytest.mark.asyncio
async def test_without_models_the_agents_own_are_asked() -> None:
    first, second = ScriptedModel(fails(times=9)), ScriptedModel(says("German"))
    agent = Agent(model=first, fallback_models=[second], middleware=[Language()])
    outcome = await execute(agent, "Hallo", around=StillTime().surroundings(retry=Retry(attempts=1)))
    assert outcome.unwrap().state.get_metadata("language") == "German"


@pytest.mark.asyncio
async def test_a_model_by_name_is_found_where_the_agent_runs() -> None:
    time = StillTime(models={"test:guesser": ScriptedModel(says("German"))})
    agent = Agent(model=ScriptedModel(says("Hi")), middleware=[Language("test:guesser")])
    outcome = await execute(agent, "Hallo", around=time.surroundings())
    assert outcome.unwrap().state.get_metadata("language") == "German"


@pytest.mark.asyncio
async def test_a_context_made_by_hand_has_no_model_and_its_time_stands_still() -> None:
    context = HookContext()
    with pytest.raises(ModelError, match="no model to ask"):
        await context.ask(QUESTION)
    assert context.now() == datetime(2025, 1, 1, tzinfo=UTC)
