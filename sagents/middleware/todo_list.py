"""The agent plans: a tool that keeps a list of tasks, which people see (B-30…B-33)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue

from sagents.errors import InvalidAgent, InvalidState
from sagents.hooks import HookContext, Middleware
from sagents.replies import ModelRetry, ToolResult
from sagents.state import State, StateDelta
from sagents.todo import Todo, TodoStatus
from sagents.tool_context import ToolContext
from sagents.tools import Tool

CLEARED = "TODO list cleared - all tasks resolved"
_PROMPT = """## write_todos

Use `write_todos` to plan work of three steps or more, and to let the user see how far it is. A question, or one or \
two steps, need no list: just do them.

- Write the list before you begin, and mark the step you begin with `in_progress`.
- Mark a step `completed` as soon as it is wholly done, before you begin the next. One that failed or is blocked is not.
- Change the list when the work turns out otherwise: add steps, mark those that nobody needs any more `cancelled`.
- `merge: true` changes and adds tasks by their id and keeps the others, `merge: false` replaces the whole list.
- Call it once in a reply, never several times side by side.
- Before you end your work, no task may be `pending` or `in_progress`, unless you wait for the user. What you cannot \
do, mark `cancelled`, and say why. A list of which all is completed or cancelled is cleared by itself."""

_PARAMETERS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "merge": {
            "type": "boolean",
            "description": "true: change and add these by id and keep the others; false: these are the whole list",
        },
        "todos": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer", "minimum": 1, "description": "The task's number, which stays the same"},
                    "content": {"type": "string", "description": "What is to be done"},
                    "status": {"type": "string", "enum": [str(status) for status in TodoStatus]},
                },
                "required": ["id", "content", "status"],
            },
        },
    },
    "required": ["merge", "todos"],
}


class TodoList(Middleware):
    """Gives the agent the tool `write_todos`. It runs within the model step: a plan costs no activity.

    `display_text` is what people read while it is called. With `inline` each list is also shown in the conversation,
    as it was before it cleared itself: a row `todo_snapshot` in the event `display_message_saved`.
    """

    id = "todo_list"
    tool_names = ("write_todos",)

    def __init__(self, display_text: str = "Updating task list", inline: bool = False) -> None:
        if not isinstance(display_text, str) or not isinstance(inline, bool):
            raise InvalidAgent(f"TodoList takes a text and a boolean, not {display_text!r} and {inline!r}.")
        self.inline = inline
        self._tool = Tool.from_schema(
            name="write_todos",
            description="Write the list of tasks for work of several steps, or change it.",
            display_text=display_text,
            parameters=_PARAMETERS,
            function=self._write,
            inline=True,
            parallel=False,
        )

    def system_prompt(self, _: HookContext, /) -> str:
        return _PROMPT

    def tools(self, _: HookContext, /) -> tuple[Tool[..., Any], ...]:
        return (self._tool,)

    def on_start(self, state: State, context: HookContext, /) -> None:
        """Pages that have just opened learn what the list is."""
        if state.todos:
            context.emit("todos_updated", {"todos": [todo.to_map() for todo in state.todos]})

    def debug_summary(self) -> JsonValue:
        return {"display_text": self._tool.display_text, "inline": self.inline}

    async def _write(self, context: ToolContext, arguments: dict[str, Any]) -> ToolResult:
        given, merge = _parsed(arguments.get("todos")), arguments.get("merge") in (True, "true")
        todos = _sorted((*(await context.state()).todos, *given) if merge else given)
        if self.inline:
            context.emit("display_message_saved", {"row": _snapshot(todos, context.tool_call_id)})
        kept = todos if any(todo.is_open for todo in todos) else ()
        return ToolResult(_told(kept, merge), state=StateDelta(todos=kept))


def _parsed(items: Any) -> tuple[Todo, ...]:
    if not isinstance(items, list):
        raise ModelRetry("Failed to parse TODOs: todos must be an array")
    try:
        return Todo.list_from_maps(items)
    except InvalidState as error:
        raise ModelRetry(f"Failed to parse TODOs: {error}") from None


def _sorted(todos: Iterable[Todo]) -> tuple[Todo, ...]:
    """By id; of several with one id the last."""
    return tuple(todo for _, todo in sorted({todo.id: todo for todo in todos}.items()))


def _told(todos: tuple[Todo, ...], merge: bool) -> str:
    """What the model reads."""
    if not todos:
        return CLEARED
    counts = sorted(Counter(str(todo.status) for todo in todos).items())
    summary = ", ".join(f"{count} {status}" for status, count in counts)
    return f"Successfully {'merged' if merge else 'replaced'} {len(todos)} TODO(s): {summary}"


def _snapshot(todos: tuple[Todo, ...], tool_call_id: str) -> dict[str, JsonValue]:
    """The row that a transcript shows."""
    counts = Counter(todo.status for todo in todos)
    summary: dict[str, JsonValue] = {"total": len(todos), **{str(status): counts[status] for status in TodoStatus}}
    return {
        "message_type": "system",
        "content_type": "todo_snapshot",
        "content": {"todos": [todo.to_map() for todo in todos], "summary": summary},
        "tool_call_id": tool_call_id,
    }
