"""Calls that nothing answers get a result, so that a provider takes the conversation."""

import pytest

from sagents import Agent, HookContext, Message, State, ToolCall
from sagents.messages import ToolResult
from sagents.middleware import PatchToolCalls
from sagents.operations import CutMessages, difference
from sagents.testing import ScriptedModel, StillTime, says, talk

AGENT = Agent(model="test:any", middleware=[PatchToolCalls()], default_middleware=False)


def asks(*call_ids: str) -> Message:
    return Message.assistant("Just a moment", tool_calls=tuple(ToolCall(call_id=id, name="search") for id in call_ids))


def answers(*call_ids: str) -> Message:
    return Message.tool(*(ToolResult(tool_call_id=id, name="search", content="found") for id in call_ids))


def patched(*messages: Message) -> tuple[Message, ...]:
    state = PatchToolCalls().before_model(State(messages=messages), HookContext())
    return state.messages if state else messages


def cancelled(*call_ids: str) -> Message:
    text = "Tool call search with id {} was cancelled - another message came in before it could be completed."
    return Message.tool(*(ToolResult(tool_call_id=id, name="search", content=text.format(id)) for id in call_ids))


HELLO, NEVER_MIND = Message.user("Hello"), Message.user("Never mind")


def test_a_call_without_a_result_gets_one_right_behind_it() -> None:
    """B-59: the rest stays as it is, in its order."""
    assert patched(HELLO, asks("1"), NEVER_MIND) == (HELLO, asks("1"), cancelled("1"), NEVER_MIND)


def test_only_unanswered_calls_are_patched() -> None:
    """B-59, E-101."""
    messages = (HELLO, asks("1"), answers("1"), asks("2", "3"), answers("3"), NEVER_MIND)
    assert patched(*messages) == (*messages[:4], cancelled("2"), answers("3"), NEVER_MIND)


def test_calls_of_one_message_share_theirs() -> None:
    """B-59, B-17."""
    assert patched(asks("1", "2"), NEVER_MIND)[1] == cancelled("1", "2")


def test_only_later_results_count() -> None:
    """B-59, E-101: one that stands before its call answers nothing."""
    assert patched(answers("1"), HELLO, asks("1")) == (answers("1"), HELLO, asks("1"), cancelled("1"))


def test_a_late_result_counts() -> None:
    """B-59: other messages may lie between."""
    messages = (asks("1"), NEVER_MIND, answers("1"))
    assert patched(*messages) == messages


@pytest.mark.parametrize("messages", [(), (HELLO,), (HELLO, asks("1"), answers("1"))])
def test_nothing_to_patch_is_no_change(messages: tuple[Message, ...]) -> None:
    """B-59: an empty conversation too."""
    assert PatchToolCalls().before_model(State(messages=messages), HookContext()) is None


def test_a_patch_is_all_that_history_holds() -> None:
    """B-59."""
    before = State(messages=(HELLO, asks("1"), NEVER_MIND))
    after = PatchToolCalls().before_model(before, HookContext())
    assert after is not None
    assert difference(before, after) == (CutMessages(start=2, count=0, replacement=(cancelled("1"),)),)


@pytest.mark.asyncio
async def test_a_model_is_asked_what_a_provider_takes() -> None:
    """B-59: an imported conversation goes on; what is patched once stays."""
    time = StillTime()
    past = State(messages=(HELLO, asks("1", "2"), answers("2"), NEVER_MIND, Message.assistant("Fine.")))
    model = ScriptedModel(says("Gladly."), says("Bye."))
    outcome = await talk(AGENT, model, "Go on", "Bye", state=past, time=time)
    assert outcome.text == "Bye."
    assert [told["calls"] for told in time.happened("middleware_action")] == [1]
