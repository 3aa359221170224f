"""The state document: what is in it and what its functions change. They return new states and leave the old alone."""

from typing import Any

import pytest
from pydantic import ValidationError

from sagents.errors import InvalidState
from sagents.messages import Message, Role, ToolResult
from sagents.state import State
from sagents.todo import Todo, TodoStatus

ASKED = Message.user("What is the weather?")
SAID = Message.assistant("Rain.")
LOOK, PACK, LEAVE = Todo(id=1, content="look"), Todo(id=2, content="pack"), Todo(id=3, content="leave")
PLANNED = State(todos=(LOOK, PACK, LEAVE))


def test_new_state_knows_nothing() -> None:
    """T-1, E-1, L-7."""
    state = State.new()
    assert (state.messages, state.todos, dict(state.metadata)) == ((), (), {})
    assert "files" not in State.model_fields


def test_fields_beside_the_document_start_empty() -> None:
    """T-2."""
    state = State.new(conversation_id=42)
    assert (state.agent_id, state.interrupt_data, state.pause_reason) == (None, None, None)
    assert (dict(state.runtime), state.conversation_id) == ({}, 42)


def test_nobody_needs_to_set_the_agent_id() -> None:
    """T-3: it comes with the agent; a state is made, filled and merged without one."""
    assert State.new(messages=[ASKED]).add_message(SAID).agent_id is None
    assert State.new().merge(State.new(agent_id="a-1")).agent_id == "a-1"


def test_state_made_anew_by_a_middleware_keeps_the_agent_id_when_merged() -> None:
    """T-4."""
    assert State.new(agent_id="a-1").merge(State.new(messages=[SAID])).agent_id == "a-1"


def test_new_reads_plain_maps_as_messages() -> None:
    """T-6, L-7."""
    state = State.new(messages=[{"role": "user", "content": "hi"}])
    assert state.messages == (Message.user("hi"),)
    assert state.set_messages([{"role": "assistant", "content": "hello"}]).messages[0].role is Role.ASSISTANT


@pytest.mark.parametrize(
    "attrs", [{"messages": "hi"}, {"todos": [{"content": "no id"}]}, {"metadata": {"at": object()}}, {"mesages": []}]
)
def test_new_refuses_what_is_no_state(attrs: dict[str, Any]) -> None:
    """T-6, L-7: State.new raises InvalidState, State(...) pydantic's error."""
    with pytest.raises(InvalidState):
        State.new(**attrs)


def test_state_itself_raises_what_pydantic_raises() -> None:
    """T-6."""
    with pytest.raises(ValidationError):
        State.model_validate({"messages": 3})


def test_error_names_the_place_and_keeps_values_to_itself() -> None:
    with pytest.raises(InvalidState, match=r"todos\.0\.id") as refused:
        State.new(todos=[{"id": "secret", "content": "x"}])
    assert "secret" not in str(refused.value)


def test_messages_are_appended_in_order() -> None:
    """T-7, T-8."""
    before = State.new()
    after = before.add_message(ASKED).add_messages([SAID, ASKED])
    assert after.messages == (ASKED, SAID, ASKED)
    assert before.messages == ()


def test_only_messages_are_appended() -> None:
    """T-7."""
    wrong: Any = "hi"
    with pytest.raises(TypeError, match="Message is needed, not str"):
        State.new().add_message(wrong)


def test_set_messages_replaces_all() -> None:
    """T-9."""
    assert State.new(messages=[ASKED]).set_messages([SAID]).messages == (SAID,)
    assert State.new(messages=[ASKED]).set_messages([]).messages == ()
    with pytest.raises(InvalidState):
        State.new().set_messages([{"role": "nobody"}])


def test_summary_takes_the_place_of_the_oldest_messages() -> None:
    summary = Message.user("Earlier: the weather.")
    state = State.new(messages=[ASKED, SAID, ASKED])
    assert state.cut_messages(2, [summary]).messages == (summary, ASKED)
    assert state.cut_messages(1, start=1).messages == (ASKED, ASKED)
    assert state.cut_messages(99).messages == ()


def test_metadata_is_set_overwritten_read_and_dropped() -> None:
    """T-10."""
    state = State.new().put_metadata("language", "de").put_metadata("language", "en")
    assert state.get_metadata("language") == "en"
    assert state.get_metadata("tone") is None
    assert state.get_metadata("tone", "calm") == "calm"
    assert state.drop_metadata("language").get_metadata("language") is None


@pytest.mark.parametrize("value", [object(), (1, 2), {1: "a"}, float("nan"), b"x", print, "\ud800", {"deep": [{1}]}])
def test_metadata_that_is_no_json_is_refused_where_it_is_put(value: Any) -> None:
    """T-62."""
    with pytest.raises(InvalidState, match="'odd'"):
        State.new().put_metadata("odd", value)


def test_metadata_that_was_read_or_put_is_not_shared() -> None:
    """Whoever changes a list of his own changes no state."""
    mine: dict[str, Any] = {"seen": [1]}
    state = State.new(metadata=mine).put_metadata("list", mine["seen"])
    mine["seen"].append(2)
    state.get_metadata("list").append(3)
    assert dict(state.metadata) == {"seen": [1], "list": [1]}


def test_todo_is_replaced_where_it_stands() -> None:
    """T-11, E-6."""
    packed = PACK.but(status=TodoStatus.COMPLETED)
    assert PLANNED.put_todo(packed).todos == (LOOK, packed, LEAVE)


def test_new_todo_goes_to_the_end() -> None:
    """T-11."""
    rest = Todo(id=9, content="rest")
    assert PLANNED.put_todo(rest).todos == (LOOK, PACK, LEAVE, rest)


def test_todo_is_found_and_removed_by_its_id() -> None:
    """T-12."""
    assert PLANNED.get_todo(2) == PACK
    assert PLANNED.delete_todo(2).todos == (LOOK, LEAVE)


def test_unknown_todo_is_none_and_removing_it_changes_nothing() -> None:
    """T-12, E-7."""
    assert PLANNED.get_todo(99) is None
    assert PLANNED.delete_todo(99) == PLANNED


def test_todos_are_found_by_status_in_order() -> None:
    """T-13."""
    state = PLANNED.put_todo(PACK.but(status=TodoStatus.COMPLETED))
    assert state.get_todos_by_status("pending") == (LOOK, LEAVE)
    assert state.get_todos_by_status(TodoStatus.CANCELLED) == ()


def test_set_todos_replaces_all_of_them() -> None:
    """T-14."""
    assert PLANNED.set_todos([LEAVE]).todos == (LEAVE,)
    assert PLANNED.set_todos([]).todos == ()


def test_reset_forgets_everything_but_who_the_agent_is() -> None:
    """T-15, E-8: metadata too."""
    full = State.new(
        agent_id="a-1",
        conversation_id="c",
        messages=[ASKED],
        todos=[LOOK],
        metadata={"k": 1},
        runtime={"x": 1},
        interrupt_data={"type": "halt"},
        pause_reason="later",
    )
    assert full.reset() == State.new(agent_id="a-1")


def test_tool_result_is_replaced_where_it_stands() -> None:
    """T-16, E-9: only the result of that call, its neighbours are untouched."""
    one, two = ToolResult(tool_call_id="1", content="one"), ToolResult(tool_call_id="2", content="two")
    state = State.new(messages=[ASKED, Message.tool(one, two), SAID])
    new = ToolResult(tool_call_id="2", content="better")
    assert state.replace_tool_result("2", new).messages == (ASKED, Message.tool(one, new), SAID)


def test_result_of_an_unknown_call_changes_nothing() -> None:
    """T-16: nor do results outside of tool messages count."""
    odd = Message.assistant("x", tool_results=(ToolResult(tool_call_id="1"),))
    state = State.new(messages=[odd])
    assert state.replace_tool_result("1", ToolResult(tool_call_id="1", content="new")) is state
    assert state.replace_tool_result("7", ToolResult(tool_call_id="7")) is state


def test_state_cannot_be_changed_in_place() -> None:
    state: Any = State.new()
    with pytest.raises(ValidationError, match="frozen"):
        state.messages = (ASKED,)
