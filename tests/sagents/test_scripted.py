"""The scripted model, and conversations with it."""

from datetime import UTC, datetime, timedelta

import pytest

from sagents import Agent, AgentRequest, Approve, Message, ModelError, RaiseInterrupt, State, ToolContext, tool
from sagents.messages import ToolCall, ToolResult
from sagents.ports import Delta, ModelRequest
from sagents.serialization import export_state, import_state
from sagents.testing import Reply, ScriptedModel, StillTime, calls, calls_raw, fails, says, talk

pytestmark = pytest.mark.asyncio


@tool
async def book(context: ToolContext, seat: str, at: datetime | None = None) -> str:
    """Book a seat."""
    return seat


AGENT = Agent(model="vendor:any", tools=[book], agent_id="a")


def unheard(_: Delta) -> None:
    """Nobody listens."""


def asked(*messages: Message) -> ModelRequest:
    return ModelRequest(messages=(Message.user("Hi"), *messages))


async def test_the_request_alone_decides_which_reply_comes() -> None:
    """So a retry, another worker and a process that was killed get the same one."""
    script = (says("one"), says("two"))
    one = await ScriptedModel(*script).ask(asked(), unheard)
    model = ScriptedModel(*script)
    for _ in range(2):
        assert await model.ask(asked(), unheard) == one
    follow_up = asked(one, Message.user("And?"))
    assert (
        (await model.ask(follow_up, unheard)).text
        == (await ScriptedModel(*script).ask(follow_up, unheard)).text
        == "two"
    )


async def test_a_summary_may_cut_older_replies() -> None:
    script = (says("one"), says("two"), says("three"))
    two = await ScriptedModel(*script).ask(asked(await ScriptedModel(*script).ask(asked(), unheard)), unheard)
    assert (await ScriptedModel(*script).ask(asked(two), unheard)).text == "three"


async def test_the_script_goes_on_after_the_state_was_stored() -> None:
    with ScriptedModel(says("one"), says("two")) as model:
        agent = Agent(model=model, agent_id="a")
        exported = export_state((await agent.execute("Hi")).state, serialized_at=datetime(2025, 1, 1, tzinfo=UTC))
        stored = import_state("a", exported)
        assert (await agent.execute(stored.add_message(Message.user("And?")))).text == "two"


async def test_a_conversation_that_others_began_starts_the_script() -> None:
    history = State(messages=(Message.user("Hi"), Message.assistant("Hello from last year.")))
    assert (await talk(AGENT, ScriptedModel(says("one")), "And?", state=history)).text == "one"


async def test_a_text_streams_word_by_word() -> None:
    heard: list[str] = []
    text = "one  two\nthree "
    message = await ScriptedModel(says(text)).ask(asked(), lambda delta: heard.append(delta.text))
    assert "".join(heard) == message.text == text
    assert len(heard) > 2


async def test_words_may_take_time() -> None:
    heard: list[Delta] = []
    await ScriptedModel(says("a b", every=timedelta(milliseconds=1))).ask(asked(), heard.append)
    assert len(heard) == 2


async def test_replies_are_joined_by_and() -> None:
    reply = says("I book") & calls(book, seat="4A") & calls(book, "4B") & says("both.")
    assert reply.text == "I book both."
    assert [call.arguments for call in reply.calls] == [{"seat": "4A"}, {"seat": "4B"}]
    assert str(reply) == "'I book both.' and a call of book and a call of book"
    assert str(Reply()) == "an empty reply"


async def test_arguments_are_written_as_json() -> None:
    reply = calls(book, seat="4A", at=datetime(2025, 1, 1, tzinfo=UTC))
    assert reply.calls[0].arguments == {"seat": "4A", "at": "2025-01-01T00:00:00Z"}


async def test_wrong_arguments_are_refused_where_they_are_written() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'seat'"):
        calls(book, seta="4A")  # type: ignore[call-arg] # the very mistake that mypy finds too


async def test_a_confused_model_can_be_written_down_too() -> None:
    model = ScriptedModel(
        calls_raw("cook", {"meal": "pie"}) & calls_raw("book", "{not json") & calls_raw("book"), says("?")
    )
    outcome = await talk(AGENT, model, "Hi")
    assert [result.is_error for result in outcome.state.messages[2].tool_results] == [True, True, True]


async def test_failures_come_before_the_next_reply_and_take_no_number() -> None:
    stage = StillTime()
    model = ScriptedModel(fails(times=2, retry_after=timedelta(seconds=7)), says("one"), fails("again"), says("two"))
    outcome = await talk(AGENT, model, "Hi", "And?", time=stage)
    assert outcome.text == "two"
    assert [pause.total_seconds() for pause in stage.slept] == [7, 7, 1]
    assert stage.now == datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=15)


@pytest.mark.parametrize("extra", [says("unused"), fails("unused"), calls(book, seat="unused")])
async def test_unused_replies_are_reported(extra: Reply) -> None:
    with pytest.raises(AssertionError, match="never asked for"):
        await talk(AGENT, ScriptedModel(says("one"), extra), "Hi")


async def test_unexpected_questions_are_reported() -> None:
    with pytest.raises(AssertionError, match="asked for reply 2, but the script has 1"):
        await talk(AGENT, ScriptedModel(says("one")), "Hi", "And?")


async def test_requests_that_a_provider_would_refuse_are_reported() -> None:
    dangling = Message.assistant(None, tool_calls=(ToolCall(call_id="c", name="book"),))
    placeholder = Message.tool(ToolResult(tool_call_id="c", is_interrupt=True))
    for request in (asked(dangling), asked(dangling, Message.user("?")), asked(dangling, placeholder)):
        model = ScriptedModel(says("one"))
        with pytest.raises(ModelError):
            await model.ask(request, unheard)
        with pytest.raises(AssertionError, match=r"has no result|is open"):
            model.done()


async def test_a_with_block_reports_at_its_end_unless_something_else_went_wrong() -> None:
    with pytest.raises(AssertionError, match="never asked for"), ScriptedModel(says("one")):
        pass
    with pytest.raises(KeyError), ScriptedModel(says("one")):
        raise KeyError


async def test_unwanted_answers_are_reported() -> None:
    with pytest.raises(AssertionError, match="nobody asked for 1 of the answers"):
        await talk(AGENT, ScriptedModel(says("one")), "Hi", answers=(Approve(),))


async def test_a_factory_can_be_talked_to() -> None:
    async def factory(request: AgentRequest) -> Agent:
        return AGENT

    assert (await talk(factory, ScriptedModel(says("one")), "Hi")).text == "one"


async def test_a_conversation_may_end_with_an_open_question() -> None:
    @tool
    def choose() -> None:
        """Choose."""
        raise RaiseInterrupt("City?")

    agent = Agent(model="vendor:any", tools=[choose])
    assert (await talk(agent, ScriptedModel(calls(choose)), "Trip")).kind == "interrupted"
