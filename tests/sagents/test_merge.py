"""Merging: what a tool, a middleware or a sub-agent adds to a state."""

from typing import Any

import pytest
from hypothesis import given

from sagents.errors import InvalidState
from sagents.messages import Message
from sagents.metadata import deep_merge, patch, same
from sagents.state import State, StateDelta, merge_states
from sagents.todo import Todo
from tests.sagents.strategies import json_values, kept_kinds, states, transcripts

HI, HELLO = Message.user("hi"), Message.assistant("hello")
OLD, NEW = Todo(id=1, content="old"), Todo(id=2, content="new")
LEFT = State(messages=(HI,), todos=(OLD,), metadata={"a": {"x": 1, "y": [1]}, "b": 1})


@pytest.mark.parametrize(
    "right",
    [State(messages=(HELLO,)), StateDelta(messages=(HELLO,)), {"messages": [HELLO]}],
    ids=["state", "delta", "map"],
)
def test_messages_of_the_right_follow_those_of_the_left(right: Any) -> None:
    """T-17, T-18, E-4: the right side may be a state, a delta or a plain map."""
    assert merge_states(LEFT, right).messages == (HI, HELLO)
    assert LEFT.merge(right) == merge_states(LEFT, right)


def test_plain_map_may_hold_plain_messages() -> None:
    """E-4."""
    assert LEFT.merge({"messages": [{"role": "assistant", "content": "hello"}]}).messages == (HI, HELLO)


def test_plain_map_with_an_unknown_name_is_refused() -> None:
    """T-17."""
    with pytest.raises(InvalidState, match="todo"):
        LEFT.merge({"todo": []})


def test_todos_of_the_right_win() -> None:
    """T-19, E-2."""
    for right in (State(todos=(NEW,)), StateDelta(todos=(NEW,)), {"todos": [NEW]}):
        assert LEFT.merge(right).todos == (NEW,)


def test_unset_todos_keep_and_an_empty_list_clears() -> None:
    """T-22, E-2: a state on the right is explicit about its todos, a delta and a map only if they name them."""
    for keeps in (StateDelta(metadata={"c": 1}), {"metadata": {"c": 1}}, {"todos": None}):
        assert LEFT.merge(keeps).todos == (OLD,)
    empty: dict[str, Any] = {"todos": []}
    for clears in (State(), StateDelta(todos=()), empty):
        assert LEFT.merge(clears).todos == ()


def test_unset_and_empty_todos_stay_apart_in_history() -> None:
    """T-22."""
    for delta in (StateDelta(), StateDelta(todos=())):
        assert StateDelta.model_validate_json(delta.model_dump_json()) == delta
    assert StateDelta() != StateDelta(todos=())


def test_metadata_is_merged_deeply_and_the_right_wins_at_a_leaf() -> None:
    """T-20, E-3."""
    merged = LEFT.merge(StateDelta(metadata={"a": {"y": [2], "z": None}, "c": True}))
    assert dict(merged.metadata) == {"a": {"x": 1, "y": [2], "z": None}, "b": 1, "c": True}


def test_map_against_no_map_is_the_right_one() -> None:
    """T-20."""
    assert deep_merge({"a": {"x": 1}, "b": 1}, {"a": 2, "b": {"y": 1}}) == {"a": 2, "b": {"y": 1}}


def test_agent_id_is_the_rights_where_it_has_one() -> None:
    """T-21."""
    assert State(agent_id="left").merge(State(agent_id="right")).agent_id == "right"
    assert State(agent_id="left").merge({"agent_id": "right"}).agent_id == "right"
    assert State(agent_id="left").merge(State()).agent_id == "left"


def test_conversation_id_stays_unless_the_right_sets_one() -> None:
    """T-22."""
    assert State(conversation_id=7).merge(State()).conversation_id == 7
    assert State(conversation_id=7).merge(State(conversation_id=8)).conversation_id == 8


def test_pause_reason_and_interrupt_data_are_the_rights_or_the_lefts() -> None:
    """T-22, E-5."""
    left = State(pause_reason="left", interrupt_data={"type": "halt"})
    right = State(pause_reason="right", interrupt_data={"type": "ask_user_question"})
    assert left.merge(State()).pause_reason == "left"
    assert State().merge(right).pause_reason == "right"
    assert left.merge(right).pause_reason == "right"
    assert left.merge(right).interrupt_data == {"type": "ask_user_question"}
    assert left.merge(State()).interrupt_data == {"type": "halt"}


def test_runtime_is_merged_at_its_first_level() -> None:
    """T-22."""
    left = State(runtime={"a": {"x": 1}, "b": 1})
    assert dict(left.merge(State(runtime={"a": {"y": 1}})).runtime) == {"a": {"y": 1}, "b": 1}


@given(states, states, states)
def test_merging_messages_is_associative(a: State, b: State, c: State) -> None:
    """T-18."""
    assert a.merge(b).merge(c).messages == a.merge(b.merge(c)).messages


@given(kept_kinds, kept_kinds, kept_kinds)
def test_merging_metadata_is_associative_where_keys_keep_their_kind(a: Any, b: Any, c: Any) -> None:
    """T-20."""
    assert deep_merge(deep_merge(a, b), c) == deep_merge(a, deep_merge(b, c))


def test_merging_metadata_is_not_associative_where_a_map_gives_way_to_a_leaf_and_comes_back() -> None:
    """T-20: which is why deltas are merged one after the other, in call order, and never among themselves."""
    a: Any
    b: Any
    c: Any
    a, b, c = {"k": {"x": 1}}, {"k": 0}, {"k": {"y": 1}}
    assert deep_merge(deep_merge(a, b), c) == {"k": {"y": 1}}
    assert deep_merge(a, deep_merge(b, c)) == {"k": {"x": 1, "y": 1}}


@given(transcripts)
def test_merging_nothing_changes_nothing(messages: tuple[Message, ...]) -> None:
    """T-17."""
    state = LEFT.set_messages(messages)
    assert state.merge(StateDelta()) == state
    assert state.merge({}) == state


@given(json_values, json_values)
def test_patch_merges_to_what_it_was_made_for(before: Any, after: Any) -> None:
    """T-20."""
    smallest = patch(before, after)
    if smallest is not None:
        assert same(deep_merge(before, smallest), after)
