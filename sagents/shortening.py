"""A conversation made shorter: how much of it may go, what is left to be summarized, and what takes its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pydantic_core import to_json

from sagents.clipping import clipped
from sagents.messages import Message, Role, ToolCall, ToolResult, text_of
from sagents.todo import Todo

REQUEST = "Summarize our conversation up to this point for future reference."
MARK = "summary"
"""Metadata of a summary: how many messages it stands for, and the newest reply that was kept beside it."""

MAX_RESULT, MAX_ARGUMENTS = 8_000, 2_000
"""Characters of a tool's result and of a call's arguments that are worth summarizing."""


def safe_cut(messages: Sequence[Message], keep: int) -> int:
    """How many of the oldest messages may go: all but `keep`, fewer where a result would lose its call; 0 for none."""
    together: set[int] = set()
    asked: dict[str, int] = {}
    for place, message in enumerate(messages):
        for result in message.tool_results:
            together.update(range(asked.get(result.tool_call_id, place - 1) + 1, place + 1))
        asked |= {call.call_id: place for call in message.tool_calls}
    return next((cut for cut in range(len(messages) - keep, 0, -1) if cut not in together), 0)


def replacement(summary: str, cut: Sequence[Message], kept: Sequence[Message]) -> tuple[Message, Message]:
    """What takes the place of the messages that are cut."""
    replies = (message.id for message in reversed(kept) if message.role is Role.ASSISTANT)
    mark = {"messages": len(cut), "until": next(replies, None)}
    return Message.user(REQUEST), Message.assistant(summary, metadata={MARK: mark})


def counted_from(messages: Sequence[Message]) -> int:
    """The place from which on replies were given to the conversation as it is now.

    What was kept beside a summary has its usage from before: it counts messages that are not there any more.
    """
    for place, message in enumerate(messages):
        if message.role is Role.ASSISTANT and isinstance(mark := message.metadata.get(MARK), dict):
            until = (at for at in range(place + 1, len(messages)) if messages[at].id == mark.get("until"))
            return place + 1 if mark.get("until") is None else next(until, place) + 1
    return 0


def transcript(messages: Iterable[Message]) -> str:
    """The messages as one text for a model to read."""
    return "\n\n".join(line for message in messages for line in _lines(message))


def todo_lines(todos: Iterable[Todo]) -> str:
    """A list of tasks, as it has to outlive the calls that wrote it."""
    return "\n".join(f"- {todo.id} [{todo.status}] {todo.content}" for todo in todos)


def _lines(message: Message) -> Iterator[str]:
    said = message.content if isinstance(message.content, str) else _parts(message)
    if said:
        yield f"{message.role.upper()}: {said}"
    yield from map(_call, message.tool_calls)
    yield from map(_result, message.tool_results)


def _parts(message: Message) -> str:
    others = [part.type for part in message.content or () if not isinstance(part, str)]
    media = [f"[{kind}]" for kind in others if kind not in ("text", "thinking", "unsupported")]
    return " ".join([text for text in (text_of(message.content), *media) if text])


def _call(call: ToolCall) -> str:
    arguments = call.arguments if isinstance(call.arguments, str) else to_json(call.arguments).decode()
    return f"ASSISTANT calls {call.name}: {clipped(arguments, MAX_ARGUMENTS)}"


def _result(result: ToolResult) -> str:
    kind = "ERROR" if result.is_error else "RESULT"
    return f"{kind} of {result.name or 'a tool'}: {clipped(result.text_for_model, MAX_RESULT)}"
