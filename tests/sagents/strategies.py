"""Hypothesis strategies of the state document: small, so that ids and keys collide often."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sagents.messages import ContentPart, Message, MessageStatus, PartType, TokenUsage, ToolCall, ToolResult
from sagents.operations import (
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
    Reset,
    SetMessages,
    SetTodos,
)
from sagents.state import State, StateDelta
from sagents.todo import Todo, TodoStatus

settings.register_profile("sagents", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sagents")  # a busy machine is no failure

words = st.text(max_size=6)
names = st.sampled_from(["a", "b", "c"])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
json_values: st.SearchStrategy[Any] = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | words, inner, max_size=3), max_leaves=6
)
metadata = st.dictionaries(names, json_values, max_size=3)
kept_kinds: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(st.sampled_from(["leaf", "other_leaf"]), leaves, max_size=2),
    lambda inner: st.fixed_dictionaries({}, optional={"leaf": leaves, "map": inner, "other_map": inner}),
    max_leaves=4,
)
"""Documents in which a key holds a map everywhere or nowhere."""

parts = st.builds(
    ContentPart, type=st.sampled_from(PartType), content=words, options=st.dictionaries(names, leaves, max_size=1)
)
contents = words | st.lists(parts, max_size=2).map(tuple)
calls = st.builds(ToolCall, call_id=names, name=names, arguments=metadata | words, metadata=metadata)
questions = st.fixed_dictionaries({"type": st.sampled_from(["ask_user_question", "halt", "subagent_hitl"])})
interrupt_data = (
    st.none()
    | questions
    | st.fixed_dictionaries({"type": st.just("multiple_interrupts"), "interrupts": st.lists(questions, max_size=2)})
)
results = st.builds(ToolResult, tool_call_id=names, content=contents, is_error=st.booleans())
interrupts = st.builds(ToolResult, tool_call_id=names, is_interrupt=st.just(True), interrupt_data=interrupt_data)
usages = st.builds(TokenUsage, input=st.integers(0, 9), output=st.integers(0, 9), raw=metadata)
messages = (
    st.builds(Message.user, contents, id=st.none() | names)
    | st.builds(
        Message.assistant,
        st.none() | contents,
        tool_calls=st.lists(calls, max_size=2).map(tuple),
        status=st.sampled_from(MessageStatus),
        usage=st.none() | usages,
        metadata=metadata,
    )
    | st.lists(results | interrupts, max_size=3).map(lambda several: Message.tool(*several))
)
transcripts = st.lists(messages, max_size=5).map(tuple)

todos = st.builds(
    Todo, id=st.integers(1, 5), content=st.text(min_size=1, max_size=3), status=st.sampled_from(TodoStatus)
)
todo_lists = st.lists(todos, max_size=4, unique_by=lambda todo: todo.id).map(tuple)
states = st.builds(State, messages=transcripts, todos=todo_lists, metadata=metadata)
deltas = st.builds(StateDelta, messages=transcripts, todos=st.none() | todo_lists, metadata=metadata)

operations: st.SearchStrategy[Operation] = st.one_of(
    st.builds(AddMessages, messages=transcripts),
    st.builds(SetMessages, messages=transcripts),
    st.builds(CutMessages, count=st.integers(0, 3), start=st.integers(0, 3), replacement=transcripts),
    st.builds(ReplaceToolResult, tool_call_id=names, result=results),
    st.just(CancelInterrupts()),
    st.builds(SetTodos, todos=todo_lists),
    st.builds(PutTodo, todo=todos),
    st.builds(DeleteTodo, id=st.integers(1, 5)),
    st.builds(PutMetadata, key=names, value=json_values),
    st.builds(DropMetadata, key=names),
    st.builds(Merge, delta=deltas),
    st.just(Reset()),
)
logs = st.lists(operations, max_size=6).map(tuple)
