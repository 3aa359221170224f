"""State as a fold over operations: applied, found out by comparing, and proven by a digest."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from pydantic import ValidationError

from sagents.messages import Message, ToolCall, ToolResult
from sagents.metadata import same
from sagents.operations import (
    EMPTY_DIGEST,
    OPERATIONS,
    OPS,
    AddMessages,
    CancelInterrupts,
    CutMessages,
    DeleteTodo,
    DropMetadata,
    Merge,
    Operation,
    PutMetadata,
    PutTodo,
    ReplaceToolResult,
    SetMessages,
    SetTodos,
    apply_operation,
    canonical,
    difference,
    fold,
    roll,
)
from sagents.state import State, StateDelta
from sagents.todo import Todo, TodoStatus
from tests.sagents.strategies import logs, operations, states

HI, HELLO, BYE = Message.user("hi"), Message.assistant("hello"), Message.user("bye")
ONE, TWO = ToolResult(tool_call_id="1", content="one"), ToolResult(tool_call_id="2", content="two")
LOOK, PACK, LEAVE = Todo(id=1, content="look"), Todo(id=2, content="pack"), Todo(id=3, content="leave")

FUNCTIONS: dict[str, Callable[[State, Any], State]] = {
    "add_messages": lambda state, op: state.add_messages(op.messages),
    "set_messages": lambda state, op: state.set_messages(op.messages),
    "cut_messages": lambda state, op: state.cut_messages(op.count, op.replacement, start=op.start),
    "replace_tool_result": lambda state, op: state.replace_tool_result(op.tool_call_id, op.result),
    "cancel_interrupts": lambda state, _: state.cancel_pending_interrupts(),
    "set_todos": lambda state, op: state.set_todos(op.todos),
    "put_todo": lambda state, op: state.put_todo(op.todo),
    "delete_todo": lambda state, op: state.delete_todo(op.id),
    "put_metadata": lambda state, op: state.put_metadata(op.key, op.value),
    "drop_metadata": lambda state, op: state.drop_metadata(op.key),
    "merge": lambda state, op: state.merge(op.delta),
    "reset": lambda state, _: state.reset(),
}


def known(state: State) -> dict[str, Any]:
    """All that is saved of a state, as JSON, so that `1` and `True` are not taken for the same (T-57)."""
    return state.model_dump(mode="json")


@given(states, logs)
def test_folding_is_calling_the_functions_in_turn(state: State, log: tuple[Operation, ...]) -> None:
    called = state
    for op in log:
        called = FUNCTIONS[op.op](called, op)
    assert fold(state, log) == called


def test_every_operation_is_a_function_of_the_state() -> None:
    assert set(FUNCTIONS) == OPS


@given(states, logs)
def test_log_that_went_over_a_wire_folds_to_the_same_state(state: State, log: tuple[Operation, ...]) -> None:
    arrived = OPERATIONS.validate_json(OPERATIONS.dump_json(log))
    assert same(known(fold(state, arrived)), known(fold(state, log)))


@given(states, states)
def test_difference_leads_from_any_state_to_any_other(before: State, after: State) -> None:
    assert same(known(fold(before, difference(before, after))), known(after))


@given(states, logs)
@example(State(metadata={"a": 1}), (PutMetadata(key="a", value=True),))
@example(State(messages=(Message.tool(ONE, ONE),)), (ReplaceToolResult(tool_call_id="1", result=TWO),))
def test_difference_leads_to_what_operations_made(before: State, log: tuple[Operation, ...]) -> None:
    after = fold(before, log)
    assert same(known(fold(before, difference(before, after))), known(after))


@given(states)
def test_no_difference_is_no_operation(state: State) -> None:
    copy = State.model_validate_json(state.model_dump_json())
    assert difference(state, state) == difference(state, copy) == ()


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param((), (HI, HELLO), (AddMessages(messages=(HI, HELLO)),), id="first messages"),
        pytest.param((HI,), (HI, HELLO), (AddMessages(messages=(HELLO,)),), id="an answer costs an answer"),
        pytest.param((HI, HELLO, BYE), (HELLO, BYE), (CutMessages(count=1),), id="the oldest is gone"),
        pytest.param((HI, HELLO, BYE), (BYE, BYE), (CutMessages(count=2, replacement=(BYE,)),), id="summary"),
        pytest.param((HI, HELLO), (HI,), (CutMessages(start=1, count=1),), id="the last is taken back"),
        pytest.param((HI, BYE), (HI, HELLO, BYE), (CutMessages(start=1, count=0, replacement=(HELLO,)),), id="patched"),
        pytest.param((HI, HELLO), (BYE,), (SetMessages(messages=(BYE,)),), id="another conversation"),
        pytest.param((HI,), (), (SetMessages(messages=()),), id="nothing left"),
        pytest.param(
            (HI, Message.tool(ONE, TWO)),
            (HI, Message.tool(ONE, TWO.but(content="2")), BYE),
            (ReplaceToolResult(tool_call_id="2", result=TWO.but(content="2")), AddMessages(messages=(BYE,))),
            id="an answered question",
        ),
        pytest.param(
            (Message.tool(ONE, ONE),),
            (Message.tool(ONE, ONE.but(content="2")),),
            (SetMessages(messages=(Message.tool(ONE, ONE.but(content="2")),)),),
            id="a call id used twice",
        ),
        pytest.param(
            (HI, Message.tool(ONE, name="a")),
            (HI, Message.tool(TWO, name="b")),
            (CutMessages(start=1, count=1, replacement=(Message.tool(TWO, name="b"),)),),
            id="more than its results",
        ),
    ],
)
def test_messages_that_differ_cost_no_more_than_what_is_new(
    before: tuple[Message, ...], after: tuple[Message, ...], found: tuple[Operation, ...]
) -> None:
    assert difference(State(messages=before), State(messages=after)) == found


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ((LOOK, PACK.but(status=TodoStatus.COMPLETED), LEAVE), "put_todo"),
        ((LOOK, LEAVE), "delete_todo"),
        ((LOOK, PACK, LEAVE, Todo(id=4, content="rest")), "put_todo"),
        ((LEAVE, PACK, LOOK), "set_todos"),
        ((), "set_todos"),
    ],
)
def test_one_changed_todo_does_not_rewrite_the_list(after: tuple[Todo, ...], found: str) -> None:
    before = State(todos=(LOOK, PACK, LEAVE))
    assert [op.op for op in difference(before, before.set_todos(after))] == [found]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {}, (DropMetadata(key="a"),)),
        ({}, {"a": {"x": 1}}, (PutMetadata(key="a", value={"x": 1}),)),
        ({"a": 1}, {"a": True}, (PutMetadata(key="a", value=True),)),
        ({"a": {"x": 1}}, {"a": {"y": 1}}, (PutMetadata(key="a", value={"y": 1}),)),
        (
            {"a": {"x": 1, "deep": {"n": 1}}},
            {"a": {"x": 1, "deep": {"n": 2}}},
            (Merge(delta=StateDelta(metadata={"a": {"deep": {"n": 2}}})),),
        ),
    ],
)
def test_metadata_that_grew_inside_costs_what_it_grew(
    before: dict[str, Any], after: dict[str, Any], found: tuple[Operation, ...]
) -> None:
    assert difference(State(metadata=before), State(metadata=after)) == found


def test_fields_that_are_never_saved_make_no_operation() -> None:
    assert difference(State(), State(agent_id="a", runtime={"k": object()}, pause_reason="later")) == ()


def test_unknown_operation_of_a_newer_writer_is_a_clear_error() -> None:
    with pytest.raises(ValidationError, match="'fly' was written by a newer program: upgrade this one"):
        OPERATIONS.validate_python([{"op": "fly"}])
    for garbage in ('[{"op": ["fly"]}]', "[{}]", "[3]", "{}"):
        with pytest.raises(ValidationError):
            OPERATIONS.validate_json(garbage)


def test_field_of_a_newer_writer_is_kept_in_the_log_and_in_its_digest() -> None:
    written = {"op": "add_messages", "messages": [{"role": "user", "content": "hi", "mood": "good"}], "at": 7}
    (op,) = OPERATIONS.validate_python([written])
    assert json.loads(canonical(op)) == written
    assert fold(State(), [op]).messages[0].model_extra == {"mood": "good"}


def test_canonical_bytes_are_fixed_for_ever() -> None:
    """Digests that were stored depend on these very bytes."""
    call = ToolCall(call_id="1", name="add", arguments={"b": 1.0, "a": [True, None]})
    op = AddMessages(messages=(Message.user("Grüße"), Message.assistant(tool_calls=(call,))))
    assert canonical(op).decode() == (
        '{"messages":[{"content":"Grüße","role":"user"},{"role":"assistant","tool_calls":[{"arguments":'
        '{"a":[true,null],"b":1.0},"call_id":"1","name":"add"}]}],"op":"add_messages"}'
    )
    assert roll(EMPTY_DIGEST, op) == "2c3d4546f2e88013365f3e64a6d5dcfa"
    assert canonical(CancelInterrupts()) == b'{"op":"cancel_interrupts"}'


@given(operations)
def test_canonical_bytes_survive_the_wire(op: Operation) -> None:
    (arrived,) = OPERATIONS.validate_json(OPERATIONS.dump_json((op,)))
    assert canonical(arrived) == canonical(op)


def test_order_of_keys_does_not_change_the_digest_and_types_do() -> None:
    """T-57."""
    one, other = PutMetadata(key="k", value={"a": 1, "b": 2}), PutMetadata(key="k", value={"b": 2, "a": 1})
    assert roll(EMPTY_DIGEST, one) == roll(EMPTY_DIGEST, other)
    types: tuple[Any, ...] = (1, 1.0, True, "1", None)
    assert len({roll(EMPTY_DIGEST, PutMetadata(key="k", value=value)) for value in types}) == len(types)


def test_digest_depends_on_all_that_went_before() -> None:
    put, drop = PutTodo(todo=LOOK), DeleteTodo(id=1)
    one = roll(roll(EMPTY_DIGEST, put), drop)
    assert one != roll(roll(EMPTY_DIGEST, drop), put)
    assert (len(one), len(EMPTY_DIGEST)) == (32, 32)


def test_operations_apply_one_by_one() -> None:
    state = apply_operation(State(todos=(LOOK,)), SetTodos(todos=(PACK,)))
    assert state.todos == (PACK,)
