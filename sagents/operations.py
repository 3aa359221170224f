"""State is a fold over an append-only log of operations, and these are they: the State document's own functions.

    fold(before, difference(before, after)) has the messages, todos and metadata of after

A digest rolls over the canonical bytes of each operation, so that whoever folds can prove what it read (DESIGN 4.2).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias, assert_never, get_args

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, TypeAdapter
from pydantic_core import PydanticCustomError

from sagents.comparing import alike, all_alike, replaced_results, shared_end, shared_start
from sagents.frozen import LATER, Frozen
from sagents.messages import Message, ToolResult
from sagents.metadata import compact, patch, same
from sagents.state import State, StateDelta
from sagents.todo import Todo

EMPTY_DIGEST = "0" * 32


class AddMessages(Frozen):
    """These messages were said, in this order."""

    op: Literal["add_messages"] = "add_messages"
    messages: tuple[Message, ...]


class SetMessages(Frozen):
    """All messages were replaced."""

    op: Literal["set_messages"] = "set_messages"
    messages: tuple[Message, ...]


class CutMessages(Frozen):
    """`count` messages were replaced: the oldest by a summary, or those from `start` on by an edit."""

    op: Literal["cut_messages"] = "cut_messages"
    count: Annotated[int, Field(ge=0)]
    replacement: tuple[Message, ...] = ()
    start: Annotated[int, Field(ge=0)] = 0


class ReplaceToolResult(Frozen):
    """A tool call got another result."""

    op: Literal["replace_tool_result"] = "replace_tool_result"
    tool_call_id: str
    result: ToolResult


class CancelInterrupts(Frozen):
    """The user went on without answering."""

    op: Literal["cancel_interrupts"] = "cancel_interrupts"


class SetTodos(Frozen):
    """The list of todos was replaced."""

    op: Literal["set_todos"] = "set_todos"
    todos: tuple[Todo, ...]


class PutTodo(Frozen):
    """A todo was added or changed."""

    op: Literal["put_todo"] = "put_todo"
    todo: Todo


class DeleteTodo(Frozen):
    """A todo was removed."""

    op: Literal["delete_todo"] = "delete_todo"
    id: int


class PutMetadata(Frozen):
    """A metadata key was set."""

    op: Literal["put_metadata"] = "put_metadata"
    key: str
    value: JsonValue


class DropMetadata(Frozen):
    """A metadata key was removed."""

    op: Literal["drop_metadata"] = "drop_metadata"
    key: str


class Merge(Frozen):
    """A delta of a tool, a middleware or a sub-agent was merged in."""

    op: Literal["merge"] = "merge"
    delta: StateDelta


class Reset(Frozen):
    """Everything was forgotten."""

    op: Literal["reset"] = "reset"


def _known(data: Any) -> Any:
    name = data.get("op") if isinstance(data, dict) else None
    if isinstance(name, str) and name not in OPS:
        raise PydanticCustomError(
            "unknown_operation",
            "The operation {name} was written by a newer program: upgrade this one before it reads this agent",
            {"name": repr(name)},
        )
    return data


Operation: TypeAlias = Annotated[
    AddMessages
    | SetMessages
    | CutMessages
    | ReplaceToolResult
    | CancelInterrupts
    | SetTodos
    | PutTodo
    | DeleteTodo
    | PutMetadata
    | DropMetadata
    | Merge
    | Reset,
    Discriminator("op"),
    BeforeValidator(_known),
]
OPS = frozenset(kind.model_fields["op"].default for kind in get_args(get_args(Operation)[0]))
OPERATIONS: TypeAdapter[tuple[Operation, ...]] = TypeAdapter(tuple[Operation, ...], config=LATER)


def apply_operation(state: State, op: Operation) -> State:
    """The state after one operation."""
    match op:
        case AddMessages():
            return state.add_messages(op.messages)
        case SetMessages():
            return state.set_messages(op.messages)
        case CutMessages():
            return state.cut_messages(op.count, op.replacement, start=op.start)
        case ReplaceToolResult():
            return state.replace_tool_result(op.tool_call_id, op.result)
        case CancelInterrupts():
            return state.cancel_pending_interrupts()
        case SetTodos():
            return state.set_todos(op.todos)
        case PutTodo():
            return state.put_todo(op.todo)
        case DeleteTodo():
            return state.delete_todo(op.id)
        case PutMetadata():
            return state.put_metadata(op.key, op.value)
        case DropMetadata():
            return state.drop_metadata(op.key)
        case Merge():
            return state.merge(op.delta)
        case Reset():
            return state.reset()
        case _:
            assert_never(op)


def fold(state: State, ops: Iterable[Operation]) -> State:
    """The state after all of these operations, in order."""
    for op in ops:
        state = apply_operation(state, op)
    return state


def difference(before: State, after: State) -> tuple[Operation, ...]:
    """The smallest sensible operations that make `before`'s messages, todos and metadata those of `after`.

    Size is what history and store will hold: an answer costs an answer, an edit of one result costs that result.
    """
    return (
        *_between_messages(before.messages, after.messages),
        *_between_todos(before, after),
        *_between_metadata(before.metadata, after.metadata),
    )


def canonical(op: Operation) -> bytes:
    """The bytes that stand for an operation: its brief JSON, compact, keys sorted. Equal content, equal bytes."""
    return compact(op.model_dump(mode="json")).encode("utf-8", "surrogatepass")


def roll(digest: str, op: Operation) -> str:
    """The digest of a log that had `digest`, one operation later; it starts at `EMPTY_DIGEST`."""
    return hashlib.sha256(digest.encode() + canonical(op)).hexdigest()[:32]


def _between_messages(before: tuple[Message, ...], after: tuple[Message, ...]) -> tuple[Operation, ...]:
    start = 0 if before is after else shared_start(before, after)
    if before is after or start == len(before) == len(after):
        return ()
    if start == len(before):
        return (AddMessages(messages=after[start:]),)
    if (replaced := _replacing(before, after, start)) is not None:
        return (*replaced, *_between_messages(after[: len(before)], after))
    end = shared_end(before[start:], after[start:])
    if start == end == 0:
        return (SetMessages(messages=after),)
    return (CutMessages(start=start, count=len(before) - start - end, replacement=after[start : len(after) - end]),)


def _replacing(before: tuple[Message, ...], after: tuple[Message, ...], start: int) -> tuple[Operation, ...] | None:
    """Results replaced from `start` on, where `after` differs from `before` by those alone, and by what follows.

    Call ids that are used twice cannot tell which result is meant, so the operations are tried out.
    """
    if len(after) < len(before):
        return None
    ops: list[Operation] = []
    for old, new in zip(before[start:], after[start:], strict=False):
        results = [] if old is new else replaced_results(old, new)
        if results is None and not alike(old, new):
            return None
        ops += [ReplaceToolResult(tool_call_id=call_id, result=result) for call_id, result in results or ()]
    right = all_alike(fold(State().but(messages=before), ops).messages, after[: len(before)])
    return tuple(ops) if right else None


def _between_todos(before: State, after: State) -> tuple[Operation, ...]:
    """Single edits where they are fewer than the todos and come out right, in order too; else the whole list."""
    if all_alike(before.todos, after.todos):
        return ()
    kept = {todo.id for todo in after.todos}
    edits: list[Operation] = [DeleteTodo(id=todo.id) for todo in before.todos if todo.id not in kept]
    edits += [PutTodo(todo=todo) for todo in after.todos if not any(alike(todo, other) for other in before.todos)]
    if len(edits) < len(after.todos) and all_alike(fold(before, edits).todos, after.todos):
        return tuple(edits)
    return (SetTodos(todos=after.todos),)


def _between_metadata(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> Iterator[Operation]:
    """One operation a key; maps that only grew or changed inside are merged together, in what changed alone."""
    merged: dict[str, JsonValue] = {}
    for key in before:
        if key not in after:
            yield DropMetadata(key=key)
    for key, value in after.items():
        if key in before and same(before[key], value):
            continue
        smaller = patch(before.get(key), value)
        if smaller is None:
            yield PutMetadata(key=key, value=value)
        else:
            merged[key] = smaller
    if merged:
        yield Merge(delta=StateDelta(metadata=merged))
