"""A conversation gets a title while its first answer is made."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, InvalidAgent, Message, ModelErrorKind, State, tool
from sagents.middleware import ConversationTitle
from sagents.ports import DeltaSink, ModelRequest
from sagents.testing import Failure, Reply, ScriptedModel, StillTime, calls, fails, says, talk


@tool
def look(at: str) -> str:
    """Look at something."""
    return "blue"


def namer(*script: Reply | Failure) -> ScriptedModel:
    return ScriptedModel(*script or (says("The blue sky"),), name="namer")


def agent(model: Any, *fallbacks: Any, **options: Any) -> Agent:
    title = ConversationTitle(model, fallbacks, **options)
    return Agent(model="test:any", agent_id="sky-1", tools=[look], middleware=[title], default_middleware=False)


@pytest.mark.asyncio
async def test_the_first_run_gives_the_conversation_a_title() -> None:
    """B-60, E-102: metadata and event; later messages change nothing."""
    model, time = namer(), StillTime()
    outcome = await talk(agent(model), ScriptedModel(says("Blue."), says("Yes.")), "Why?", "Sure?", time=time)
    model.done()
    assert outcome.state.get_metadata("conversation_title") == "The blue sky"
    assert time.happened("conversation_title_generated") == [{"title": "The blue sky", "agent_id": "sky-1"}]
    assert [request.messages[-1].text for request in model.requests] == ["Why?"]


@pytest.mark.asyncio
async def test_it_is_made_beside_the_answer() -> None:
    """B-60: each of the two models replies only once the other has been asked."""
    title_asked, answer_asked = asyncio.Event(), asyncio.Event()

    class Waiting:
        name = "waiting"

        def __init__(self, mine: asyncio.Event, other: asyncio.Event) -> None:
            self.mine, self.other = mine, other

        async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
            self.mine.set()
            await asyncio.wait_for(self.other.wait(), 5)
            return Message.assistant("Blue")

    helper = Agent(
        model=Waiting(answer_asked, title_asked),
        middleware=[ConversationTitle(Waiting(title_asked, answer_asked))],
        default_middleware=False,
    )
    outcome = await helper.execute("Why?")
    assert (outcome.text, outcome.state.get_metadata("conversation_title")) == ("Blue", "Blue")


@pytest.mark.asyncio
async def test_a_conversation_that_has_a_title_keeps_it() -> None:
    """B-60, E-102."""
    model = namer()
    state = State(metadata={"conversation_title": "Mine"})
    outcome = await talk(agent(model), ScriptedModel(says("Blue.")), "Why?", state=state)
    assert (outcome.state.get_metadata("conversation_title"), model.requests) == ("Mine", [])


@pytest.mark.asyncio
async def test_a_failure_is_harmless_and_tried_again_in_the_next_run() -> None:
    """B-60, E-102: the reference never tries again."""
    model, time = namer(fails("away", kind=ModelErrorKind.FAIL), says("The blue sky")), StillTime()
    outcome = await talk(agent(model), ScriptedModel(says("Blue."), says("Yes.")), "Why?", "Sure?", time=time)
    model.done()
    assert (outcome.text, outcome.state.get_metadata("conversation_title")) == ("Yes.", "The blue sky")
    (failed,) = time.happened("middleware_action")
    assert (failed["middleware"], failed["action"]) == ("conversation_title", "failed")
    assert "away" in str(failed["error"])


@pytest.mark.asyncio
async def test_a_title_that_takes_too_long_is_left_for_the_next_run() -> None:
    """B-60: the answer does not wait for ever."""
    ended = asyncio.Event()

    class Endless:
        name = "endless"

        async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            raise AssertionError("it never replies")

    time = StillTime()
    outcome = await talk(agent(Endless(), patience=timedelta(0)), ScriptedModel(says("Blue.")), "Why?", time=time)
    assert (outcome.text, outcome.state.get_metadata("conversation_title")) == ("Blue.", None)
    assert "no title within 0 seconds" in str(time.happened("middleware_action")[0]["error"])
    await asyncio.wait_for(ended.wait(), 5)


@pytest.mark.asyncio
async def test_a_run_that_fails_leaves_nothing_behind() -> None:
    """B-60: the title's own call ends with the step that began it."""
    title = ConversationTitle(namer())
    helper = Agent(model=ScriptedModel(fails("no", kind=ModelErrorKind.FAIL)), middleware=[title])
    outcome = await asyncio.create_task(helper.execute("Why?"))
    await asyncio.sleep(0)
    assert (outcome.kind, title._under_way) == ("failed", {})


@pytest.mark.asyncio
async def test_fallbacks_are_asked_in_turn() -> None:
    """B-60."""
    helper = agent(ScriptedModel(fails(times=9)), namer())
    outcome = await talk(helper, ScriptedModel(says("Blue.")), "Why?")
    assert outcome.state.get_metadata("conversation_title") == "The blue sky"


@pytest.mark.parametrize(
    ("said", "title"),
    [('"The blue sky"\n', "The blue sky"), ("The\n blue sky", "The blue sky"), ("word " * 60, f"{'word ' * 19}word…")],
)
@pytest.mark.asyncio
async def test_a_title_is_one_short_line(said: str, title: str) -> None:
    """B-60."""
    outcome = await talk(agent(namer(says(said))), ScriptedModel(says("Blue.")), "Why?")
    assert outcome.state.get_metadata("conversation_title") == title


@pytest.mark.asyncio
async def test_no_title_without_words() -> None:
    """B-60: neither of nothing nor out of nothing."""
    model = namer(says(" "))
    nothing_said = await talk(agent(namer()), ScriptedModel(says("Hello.")))
    nothing_named = await talk(agent(model), ScriptedModel(says("Blue.")), "Why?")
    assert nothing_said.state.metadata == nothing_named.state.metadata == {}


@pytest.mark.asyncio
async def test_the_title_comes_with_the_first_reply_of_a_longer_run() -> None:
    """B-60: tools and later steps find it there."""
    model = namer()
    outcome = await talk(agent(model), ScriptedModel(calls(look, at="sky"), says("Blue.")), "Why?")
    assert outcome.state.get_metadata("conversation_title") == "The blue sky"
    assert len(model.requests) == 1


@pytest.mark.asyncio
async def test_prompt_examples_and_id_are_the_applications() -> None:
    """B-60."""
    model = namer()
    helper = agent(model, prompt_template="Name it.", examples=["Fix the roof"], id="namer")
    await talk(helper, ScriptedModel(says("Blue.")), "Why?")
    assert model.requests[0].system_prompt == "Name it.\n\nTitles look like these:\n- Fix the roof"
    assert helper.stack[-1].id == "namer"
    assert helper.stack[-1].debug_summary() == {"models": ["namer"]}
    plain = ConversationTitle("test:any", examples=())
    assert (plain.id, plain.debug_summary()) == ("conversation_title", {"models": ["test:any"]})


@pytest.mark.parametrize(
    "options", [{"model": ""}, {"model": "a:b", "fallbacks": [7]}, {"model": "a:b", "patience": 3}]
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    """B-60: a model is required."""
    with pytest.raises(InvalidAgent, match="ConversationTitle"):
        ConversationTitle(**options)
