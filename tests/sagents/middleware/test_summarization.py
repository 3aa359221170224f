"""A long conversation goes on with a summary of its older part."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagents import (
    Agent,
    HookContext,
    InvalidAgent,
    Message,
    Model,
    ModelErrorKind,
    State,
    Todo,
    TokenUsage,
    ToolCall,
    tool,
)
from sagents.messages import Role, ToolResult
from sagents.middleware import Summarization
from sagents.operations import CutMessages, difference, fold
from sagents.shortening import REQUEST, safe_cut
from sagents.testing import ScriptedModel, StillTime, calls, fails, says, talk


@tool
def look(at: str) -> str:
    """Look at something."""
    return f"{at} is blue"


def agent(model: Model | str | None = None, **options: Any) -> Agent:
    summarization = Summarization(model, **{"max_tokens_before_summary": 100, "messages_to_keep": 2, **options})
    return Agent(model="test:any", tools=[look], middleware=[summarization], default_middleware=False)


def turns(count: int, words: int = 20) -> tuple[Message, ...]:
    """Questions and answers that nobody has counted."""
    asked = (f"question {n} {'word ' * words}".strip() for n in range(count))
    return tuple(
        m for text in asked for m in (Message.user(text), Message.assistant(f"answer to {text}", id=text[:12]))
    )


def texts(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages]


def summarizer(*replies: str) -> ScriptedModel:
    return ScriptedModel(*map(says, replies or ("They talked.",)), name="summarizer")


@pytest.mark.asyncio
async def test_the_older_part_becomes_a_summary_and_the_newest_messages_stay() -> None:
    """B-58."""
    past, short = turns(5), summarizer()
    model = ScriptedModel(says("Hello again"))
    outcome = await talk(agent(short), model, "And now?", state=State(messages=past))
    short.done()
    assert [message.role for message in outcome.state.messages] == [
        "user",
        "assistant",
        "assistant",
        "user",
        "assistant",
    ]
    assert texts(outcome.state.messages) == [REQUEST, "They talked.", past[-1].text, "And now?", "Hello again"]
    assert model.requests[0].messages == outcome.state.messages[:-1]


@pytest.mark.asyncio
async def test_under_the_limit_nothing_happens() -> None:
    """B-58."""
    past, short = turns(1, words=2), ScriptedModel()
    outcome = await talk(agent(short), ScriptedModel(says("Hi")), "Hello", state=State(messages=past))
    assert outcome.state.messages[:2] == past
    assert short.requests == []


@pytest.mark.asyncio
async def test_the_summarizer_reads_all_that_goes_as_one_text() -> None:
    """B-58: calls, results and pictures too, so that no provider refuses it."""
    call = Message.assistant("Let me see", tool_calls=(ToolCall(call_id="1", name="look", arguments={"at": "sky"}),))
    result = Message.tool(ToolResult(tool_call_id="1", name="look", content="blue"))
    error = Message.tool(ToolResult(tool_call_id="2", name="ask", content="no", is_error=True))
    short = summarizer()
    await talk(agent(short), ScriptedModel(says("Hi")), "So?", state=State(messages=(call, result, error, *turns(4))))
    (request,) = short.requests
    assert len(request.messages) == 1
    assert (
        'ASSISTANT: Let me see\n\nASSISTANT calls look: {"at":"sky"}\n\nRESULT of look: blue'
        in request.messages[0].text
    )
    assert "ERROR of ask: no\n\nUSER: question 0" in request.messages[0].text
    assert "So?" not in request.messages[0].text


@pytest.mark.asyncio
async def test_it_looks_before_every_model_call() -> None:
    """B-58, K-15: a long tool loop is shortened in the middle of its run."""
    short = summarizer()
    asked = [calls(look, at=f"the thing number {n} " + "x " * 80) for n in range(3)]
    outcome = await talk(agent(short), ScriptedModel(*asked, says("All blue.")), "Look at all of it")
    assert outcome.text == "All blue."
    assert len(short.requests) == 2
    assert outcome.state.messages[0].text == REQUEST


@pytest.mark.asyncio
async def test_the_providers_count_decides_where_there_is_one() -> None:
    """B-58: few words here, but a long system prompt there."""
    counted = Message.assistant("Yes", id="r1", usage=TokenUsage(input=90, output=9))
    past = (Message.user("Hi"), Message.assistant("Hello " * 12), Message.user("Ready?"), counted)
    short = summarizer()
    outcome = await talk(agent(short), ScriptedModel(says("Go.")), "So?", state=State(messages=past))
    assert texts(outcome.state.messages) == [REQUEST, "They talked.", "Yes", "So?", "Go."]


@pytest.mark.asyncio
async def test_a_count_from_before_the_summary_does_not_count_again() -> None:
    """B-58: where no reply has come since, what is left is estimated."""
    counted = Message.assistant("Yes", id="r1", usage=TokenUsage(input=5000, output=9))
    short = summarizer("They talked " + "and talked " * 10)
    script = ScriptedModel(fails("a bad key", kind=ModelErrorKind.FAIL), says("Blue."))
    helper = agent(short, messages_to_keep=2)
    outcome = await talk(helper, script, "Look", "Now", state=State(messages=(*turns(3), counted)))
    assert outcome.text == "Blue."
    assert len(short.requests) == 1


@pytest.mark.asyncio
async def test_a_conversation_is_summarized_again_when_it_has_grown_again() -> None:
    """B-58: the earlier summary is part of what is summarized."""
    short = summarizer()
    helper = agent(short)
    first = await talk(helper, ScriptedModel(says("a " * 60)), "One", state=State(messages=turns(4)))
    await talk(
        helper,
        ScriptedModel(says("Bye")),
        "Two",
        state=first.state.but(messages=(*first.state.messages, *turns(4))),
    )
    assert len(short.requests) == 2
    assert "ASSISTANT: They talked." in short.requests[1].messages[0].text


@pytest.mark.asyncio
async def test_without_a_model_the_agents_own_is_asked() -> None:
    """B-58."""
    model = ScriptedModel(says("One answer for all"))
    outcome = await talk(agent(None), model, "Hm?", state=State(messages=turns(4)))
    assert texts(outcome.state.messages)[1] == "One answer for all"
    assert len(model.requests) == 2


@pytest.mark.parametrize("script", [[fails("away", times=9)], [says("  ")]], ids=["the model fails", "it says nothing"])
@pytest.mark.asyncio
async def test_where_no_summary_comes_everything_is_kept(script: list[Any]) -> None:
    """B-58, E-100."""
    past, time = turns(4), StillTime()
    outcome = await talk(
        agent(ScriptedModel(*script)), ScriptedModel(says("Hi")), "Hm?", state=State(messages=past), time=time
    )
    assert outcome.unwrap().state.messages[:-2] == past
    assert [told["action"] for told in time.happened("middleware_action")] == ["summarizing", "failed"]


@pytest.mark.asyncio
async def test_a_summarizer_that_nobody_knows_is_no_failure_of_the_run() -> None:
    """B-58, E-100."""
    past = turns(4)
    outcome = await talk(agent("test:unknown"), ScriptedModel(says("Hi")), "Hm?", state=State(messages=past))
    assert outcome.unwrap().state.messages[:-2] == past


@pytest.mark.asyncio
async def test_people_are_told() -> None:
    time = StillTime()
    await talk(agent(summarizer()), ScriptedModel(says("Hi")), "Hm?", state=State(messages=turns(4)), time=time)
    begun, done = time.happened("middleware_action")
    assert (begun["action"], done) == (
        "summarizing",
        {"middleware": "summarization", "action": "summarized", "messages": 7},
    )


@pytest.mark.asyncio
async def test_the_list_of_tasks_outlives_the_calls_that_wrote_it() -> None:
    state = State(messages=turns(4), todos=(Todo(id=1, content="tidy"),))
    outcome = await talk(agent(summarizer()), ScriptedModel(says("Hi")), "Hm?", state=state)
    assert outcome.state.messages[1].text == "They talked.\n\nThe TODO list:\n- 1 [pending] tidy"


@pytest.mark.asyncio
async def test_a_system_message_stays_where_it_is() -> None:
    """B-58."""
    past = (Message.system("Be kind."), *turns(4))
    outcome = await talk(agent(summarizer()), ScriptedModel(says("Hi")), "Hm?", state=State(messages=past))
    assert texts(outcome.state.messages)[:3] == ["Be kind.", REQUEST, "They talked."]


@pytest.mark.asyncio
async def test_messages_that_are_long_by_themselves_are_not_summarized_at_each_call() -> None:
    """B-58: what would go is too little to matter."""
    short = ScriptedModel()
    past = (Message.user("Hi"), Message.assistant("word " * 400))
    outcome = await talk(agent(short), ScriptedModel(says("Hm")), "Well?", state=State(messages=past))
    assert outcome.state.messages[:2] == past


@pytest.mark.asyncio
async def test_tokens_may_be_counted_by_the_application() -> None:
    """B-58."""

    def all_of_them(messages: Sequence[Message]) -> int:
        return 60 * len(messages)

    outcome = await talk(
        agent(summarizer(), token_counter=all_of_them),
        ScriptedModel(says("Hi")),
        "c",
        state=State(messages=turns(1, 0)),
    )
    assert texts(outcome.state.messages) == [REQUEST, "They talked.", "answer to question 0", "c", "Hi"]


def test_history_holds_the_summary_and_never_the_kept_messages_again() -> None:
    """B-58: one cut, whatever the conversation's length."""
    past = turns(50)
    cut = (Message.user(REQUEST), Message.assistant("They talked."))
    after = State(messages=past).cut_messages(94, cut)
    assert difference(State(messages=past), after) == (CutMessages(count=94, replacement=cut),)


@pytest.mark.asyncio
async def test_a_step_says_just_that() -> None:
    """B-58: the operations of the hook itself."""

    async def ask(*_: Any) -> Message:
        return Message.assistant("They talked.")

    state = State(messages=turns(50), metadata={"language": "de"})
    after = await Summarization(max_tokens_before_summary=100).before_model(state, HookContext(ask=ask))
    assert after is not None
    (operation,) = difference(state, after)
    assert isinstance(operation, CutMessages)
    assert (operation.start, operation.count, len(operation.replacement)) == (0, 94, 2)
    again = after.add_messages(turns(50))
    once_more = await Summarization(max_tokens_before_summary=100).before_model(again, HookContext(ask=ask))
    assert once_more is not None
    (operation,) = difference(again, once_more)
    assert isinstance(operation, CutMessages)
    assert fold(again, [operation]).messages == once_more.messages
    assert len(operation.model_dump_json()) < 500


def asks(*ids: str) -> Message:
    return Message.assistant(None, tool_calls=tuple(ToolCall(call_id=id, name="look") for id in ids))


def answers(*ids: str) -> Message:
    return Message.tool(*(ToolResult(tool_call_id=id, content="blue") for id in ids))


HI = Message.user("Hi")


@pytest.mark.parametrize(
    ("messages", "keep", "cut"),
    [
        ((HI, HI, HI), 1, 2),
        ((HI, HI), 2, 0),
        ((HI,), 6, 0),
        ((HI, asks("1"), answers("1"), HI), 2, 1),
        ((HI, asks("1", "2"), answers("1"), answers("2"), HI), 2, 1),
        ((HI, asks("1", "2"), answers("1", "2"), HI), 1, 3),
        ((asks("1"), answers("1"), HI), 2, 0),
        ((HI, asks("1"), HI, HI, answers("1")), 1, 1),
        ((HI, answers("lost"), HI), 2, 0),
        ((HI, asks("1"), answers("1"), asks("1"), answers("1")), 2, 3),
    ],
)
def test_a_cut_moves_back_until_it_separates_no_call_from_its_results(
    messages: tuple[Message, ...], keep: int, cut: int
) -> None:
    """B-58, E-100: never between results of calls that were made side by side."""
    assert safe_cut(messages, keep) == cut


IDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True)
ANY = st.one_of(st.just(HI), IDS.map(lambda ids: asks(*ids)), IDS.map(lambda ids: answers(*ids)))


@given(messages=st.lists(ANY, max_size=12), keep=st.integers(1, 6))
def test_no_result_is_ever_kept_without_its_call(messages: list[Message], keep: int) -> None:
    """E-100: unless it had none before."""
    cut = safe_cut(messages, keep)
    assert cut <= max(0, len(messages) - keep)
    if cut:
        assert messages[cut].role is not Role.TOOL
        asked: set[str] = set()
        for message in messages[cut:]:
            asked |= {call.call_id for call in message.tool_calls}
            lost = {result.tool_call_id for result in message.tool_results} - asked
            assert not lost & {call.call_id for earlier in messages[:cut] for call in earlier.tool_calls}


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens_before_summary": 0},
        {"messages_to_keep": 0},
        {"messages_to_keep": True},
        {"model": 7},
        {"token_counter": "words"},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidAgent, match="Summarization"):
        Summarization(**options)


def test_its_defaults_are_the_references() -> None:
    """B-58."""
    expected = {"model": None, "max_tokens_before_summary": 170_000, "messages_to_keep": 6}
    assert Summarization().debug_summary() == expected
