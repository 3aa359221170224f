"""A model that is a plain function of its request: for kernels under test that need more than a script."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from sagents.messages import Message, Role, ToolCall
from sagents.ports import Delta, DeltaSink, ModelRequest

Thought = Message | Awaitable[Message]


@dataclass(frozen=True)
class Thinks:
    """Replies with whatever the function says; each call is counted in `asked`."""

    think: Callable[[ModelRequest, DeltaSink], Thought]
    name: str = "thinks"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        reply = self.think(request, on_delta)
        return await reply if isawaitable(reply) else reply


def echoes() -> Thinks:
    """Says what it heard last."""
    return Thinks(lambda request, _: Message.assistant(f"heard {last_user_text(request)}"))


def uses(tool: str, *, times: int = 1, at_once: int = 1, **arguments: Any) -> Thinks:
    """Calls a tool in `times` steps of each run, `at_once` calls a step, then reports the last result."""

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        results = results_since_user(request)
        if len(results) < times * at_once:
            return asks_for(*[(tool, arguments)] * at_once)
        return Message.assistant(f"done: {results[-1]}")

    return Thinks(think)


def asks_for(*calls: tuple[str, dict[str, Any]]) -> Message:
    """An assistant message with these calls."""
    wanted = tuple(ToolCall(call_id=f"x{n}", name=name, arguments=given) for n, (name, given) in enumerate(calls))
    return Message.assistant(None, tool_calls=wanted)


def last_user_text(request: ModelRequest) -> str:
    return next(message.text for message in reversed(request.messages) if message.role is Role.USER)


def results_since_user(request: ModelRequest) -> list[str]:
    """Texts of the tool results after the last user message, in order."""
    found: list[str] = []
    for message in request.messages:
        if message.role is Role.USER:
            found = []
        found += [result.text for result in message.tool_results]
    return found


def say_slowly(on_delta: DeltaSink, *words: str) -> None:
    for word in words:
        on_delta(Delta(text=word))
