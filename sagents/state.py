"""The state document: what an agent knows. Pure data; each function returns a new State and leaves the old as it was.

A hook's edits become operations by comparing two States (`sagents.operations.difference`), so change nothing in place.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Self, TypeVar

from pydantic import Field, JsonValue, TypeAdapter

from sagents import loading, migrations
from sagents.demotion import Claims, abandoned, swept
from sagents.errors import InvalidState
from sagents.frozen import LATER, Frozen
from sagents.messages import Message, ToolResult
from sagents.metadata import deep_merge
from sagents.reading import json_value, read, read_as
from sagents.todo import Todo, TodoStatus

MESSAGES = TypeAdapter(tuple[Message, ...], config=LATER)
Kind = TypeVar("Kind")
TODOS = TypeAdapter(tuple[Todo, ...], config=LATER)


class StateDelta(Frozen):
    """What a tool or a middleware adds to a state. `todos` None leaves the list alone, `()` clears it (T-22)."""

    messages: tuple[Message, ...] = ()
    todos: tuple[Todo, ...] | None = None
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)


class State(Frozen):
    """What an agent knows: messages, todos and metadata. Only these are saved, the other fields live with the process.

    Files are not part of it. Nobody needs to set `agent_id`: it is put in whenever a state meets an agent.
    """

    messages: tuple[Message, ...] = ()
    todos: tuple[Todo, ...] = ()
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
    agent_id: str | None = Field(default=None, exclude=True)
    conversation_id: Any = Field(default=None, exclude=True)
    runtime: Mapping[str, Any] = Field(default_factory=dict, exclude=True)
    interrupt_data: Mapping[str, Any] | None = Field(default=None, exclude=True)
    pause_reason: Any = Field(default=None, exclude=True)

    @classmethod
    def new(cls, **attrs: Any) -> Self:
        """A state of these fields, or `InvalidState`. Plain `{role, content}` maps are read as messages (T-6)."""
        if unknown := sorted(attrs.keys() - cls.model_fields.keys()):
            raise InvalidState(f"A State has no {', '.join(unknown)}; it has {', '.join(cls.model_fields)}.")
        return read(cls, attrs)

    @classmethod
    def from_serialized(cls, agent_id: str, data: Mapping[str, Any], *, claims: Iterable[Claims] = ()) -> Self:
        """The state in `data`, of any format version, or `InvalidState`: an export, or only its `state` (T-50).

        Interrupts that none of `claims`, the agent's middleware, can restore are demoted; without any, all are.
        """
        if not isinstance(agent_id, str) or not agent_id:
            raise InvalidState("A state is restored for an agent: from_serialized needs its agent_id.")
        whole = isinstance(data, Mapping) and migrations.is_envelope(data)
        return cls._restored(agent_id, migrations.opened(data) if whole else migrations.current(data), claims)

    @classmethod
    async def load_or_new(
        cls,
        persistence: loading.StateLoader,
        scope: Any,
        context: Mapping[str, Any],
        *,
        fresh_state_attrs: Mapping[str, Any] | None = None,
        claims: Iterable[Claims] = (),
        on_unusable: loading.OnUnusable = loading.warn,
    ) -> Self:
        """The saved state of `context["agent_id"]`, else a fresh one of `fresh_state_attrs` (T-52, T-53).

        Fresh too where the saved one is unusable; `on_unusable` gets it first. A store that is out of reach and a
        format newer than this program raise: a fresh state would be saved over good data (T-55).
        """
        ours = {"agent_id": context["agent_id"], "conversation_id": context.get("conversation_id")}
        restored = await loading.load(
            lambda: persistence.load_state(scope, ours),
            lambda saved: cls._restored(ours["agent_id"], migrations.opened(saved), claims),
            on_unusable,
        )
        if restored is not None:
            return restored.but(conversation_id=ours["conversation_id"])
        fresh = fresh_state_attrs if isinstance(fresh_state_attrs, Mapping) else {}
        return cls.new(**{**fresh, **ours})

    def add_message(self, message: Message) -> Self:
        """With one more message at the end."""
        return self.add_messages((message,))

    def add_messages(self, messages: Iterable[Message]) -> Self:
        """With these messages at the end, in order."""
        added = tuple(_checked(Message, message) for message in messages)
        return self.but(messages=self.messages + added) if added else self

    def set_messages(self, messages: Iterable[Message | Mapping[str, Any]]) -> Self:
        """With these messages instead of all others; plain maps are read as messages."""
        return self.but(messages=read_as(MESSAGES, tuple(messages), "messages"))

    def cut_messages(self, count: int, replacement: Iterable[Message] = (), *, start: int = 0) -> Self:
        """With `replacement` in the place of the `count` messages from `start` on, as a summary of the oldest."""
        placed = tuple(_checked(Message, message) for message in replacement)
        return self.but(messages=self.messages[:start] + placed + self.messages[start + count :])

    def replace_tool_result(self, tool_call_id: str, result: ToolResult) -> Self:
        """With `result` in the place of each result of that call; unchanged where there is none (T-16)."""
        _checked(ToolResult, result)
        return self._with_messages(message.replace_tool_result(tool_call_id, result) for message in self.messages)

    def cancel_pending_interrupts(self) -> Self:
        """With every interrupted result turned into an error: the user went on without answering (T-30)."""
        settled = self._with_messages(message.with_results(abandoned) for message in self.messages)
        return settled if settled.interrupt_data is None else settled.but(interrupt_data=None)

    def clean_stale_interrupts(self, claims: Iterable[Claims] = ()) -> Self:
        """With every interrupted result that none of `claims` can restore turned into an error (T-40)."""
        known = tuple(claims)
        return self._with_messages(
            message.with_results(lambda result: swept(result, known)) for message in self.messages
        )

    def put_todo(self, todo: Todo) -> Self:
        """With the todo in the place of the one that has its id, else at the end."""
        places = [n for n, other in enumerate(self.todos) if other.id == _checked(Todo, todo).id]
        place = places[0] if places else len(self.todos)
        return self.but(todos=(*self.todos[:place], todo, *self.todos[place + 1 :]))

    def delete_todo(self, id: int) -> Self:
        """Without the todo of that id; unchanged where there is none."""
        return self.but(todos=tuple(todo for todo in self.todos if todo.id != id))

    def set_todos(self, todos: Iterable[Todo | Mapping[str, Any]]) -> Self:
        """With these todos instead of all others."""
        return self.but(todos=read_as(TODOS, tuple(todos), "todos"))

    def get_todo(self, id: int) -> Todo | None:
        """The todo of that id."""
        return next((todo for todo in self.todos if todo.id == id), None)

    def get_todos_by_status(self, status: TodoStatus | str) -> tuple[Todo, ...]:
        """The todos that have this status, in order."""
        return tuple(todo for todo in self.todos if todo.status == status)

    def put_metadata(self, key: str, value: Any) -> Self:
        """With `value` under `key`. It must be plain JSON, or `InvalidState` is raised here, not at the next save."""
        if not isinstance(key, str):
            raise InvalidState(f"A metadata key is text, not {type(key).__name__}.")
        return self.but(metadata={**self.metadata, key: json_value(value, f"metadata[{key!r}]")})

    def get_metadata(self, key: str, default: Any = None) -> Any:
        """The value under `key`: a copy, which is the caller's own."""
        return deepcopy(self.metadata[key]) if key in self.metadata else default

    def drop_metadata(self, key: str) -> Self:
        """Without `key`."""
        return self.but(metadata={name: value for name, value in self.metadata.items() if name != key})

    def merge(self, right: "State | StateDelta | Mapping[str, Any]") -> Self:
        """With what `right` adds: its messages appended, its todos if it has any list, its metadata merged deeply."""
        if isinstance(right, StateDelta):
            return self._told(right.messages, right.todos, right.metadata)
        if isinstance(right, State):
            return self._told(right.messages, right.todos, right.metadata)._beside(right)
        given = State.new(**{name: value for name, value in right.items() if value is not None})
        todos = given.todos if "todos" in given.model_fields_set else None
        return self._told(given.messages, todos, given.metadata)._beside(given)

    def reset(self) -> Self:
        """Nothing but the agent id. Files are not touched."""
        return type(self)(agent_id=self.agent_id)

    @classmethod
    def _restored(cls, agent_id: str, data: Mapping[str, Any], claims: Iterable[Claims]) -> Self:
        return read(cls, {**_lenient(data), "agent_id": agent_id}).clean_stale_interrupts(claims)

    def _told(
        self, messages: tuple[Message, ...], todos: tuple[Todo, ...] | None, metadata: Mapping[str, JsonValue]
    ) -> Self:
        return self.but(
            messages=self.messages + messages,
            todos=self.todos if todos is None else todos,
            metadata=deep_merge(self.metadata, metadata),
        )

    def _beside(self, right: "State") -> Self:
        """With the fields of `right` that are never saved, where it has them (T-21, T-22)."""
        names = ("agent_id", "conversation_id", "interrupt_data", "pause_reason")
        given = {name: value for name in names if (value := getattr(right, name)) is not None}
        return self.but(**given, runtime={**self.runtime, **right.runtime})

    def _with_messages(self, messages: Iterable[Message]) -> Self:
        """With these messages; itself where each is the one it was."""
        changed = tuple(messages)
        same = all(new is old for new, old in zip(changed, self.messages, strict=True))
        return self if same else self.but(messages=changed)


def merge_states(left: State, right: State | StateDelta | Mapping[str, Any]) -> State:
    """Both in one: messages left then right, the right's todos if it has a list, metadata merged deeply (T-17)."""
    return left.merge(right)


VIRTUAL = frozenset(name for name, field in State.model_fields.items() if field.exclude)
"""The fields that are never saved, and never read from what was saved."""


def _lenient(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a saved state. A part that is of another kind altogether counts as empty (T-64)."""
    messages, todos, metadata = (data.get(name) for name in ("messages", "todos", "metadata"))
    return {
        **{name: value for name, value in data.items() if name not in VIRTUAL},
        "messages": messages if isinstance(messages, list | tuple) else (),
        "todos": Todo.list_from_maps(todos) if isinstance(todos, list | tuple) else (),
        "metadata": metadata if isinstance(metadata, Mapping) else {},
    }


def _checked(kind: type[Kind], value: Any) -> Kind:
    """`value`, which must be of this kind: a mistake is best seen where it is made."""
    if not isinstance(value, kind):
        raise TypeError(f"A {kind.__name__} is needed, not {type(value).__name__}.")
    return value
