"""What a State alone tells about a run that stopped half-way: calls without results, questions without answers."""

from __future__ import annotations

from sagents.interrupts import Interrupt
from sagents.messages import Message, Role, ToolCall, ToolResult
from sagents.placeholders import question
from sagents.state import State


def unanswered(state: State) -> tuple[ToolCall, ...]:
    """The calls of the last reply that still wait for their results; nothing was said since."""
    place, calls = _dangling(state)
    return calls if place + 1 == len(state.messages) else ()


def questions(state: State) -> tuple[Interrupt, ...]:
    """The interrupts whose placeholders nobody has replaced."""
    results = (result for message in state.messages for result in message.tool_results)
    return tuple(question(result) for result in results if result.is_interrupt)


def closed(state: State, why: str) -> State:
    """The conversation with nothing open: providers refuse a call without its result (T-31)."""
    return completed(state, why).cancel_pending_interrupts()


def completed(state: State, why: str) -> State:
    """The conversation in which every call has a result, an error where it had none; questions stay open."""
    place, calls = _dangling(state)
    if not calls:
        return state
    results = (ToolResult(tool_call_id=c.call_id, name=c.name, content=why, is_error=True) for c in calls)
    return state.cut_messages(0, (Message.tool(*results),), start=place + 1)


def _dangling(state: State) -> tuple[int, tuple[ToolCall, ...]]:
    answered: set[str] = set()
    for place in range(len(state.messages) - 1, -1, -1):
        message = state.messages[place]
        answered |= {result.tool_call_id for result in message.tool_results}
        if message.role is Role.ASSISTANT:
            return place, tuple(call for call in message.tool_calls if call.call_id not in answered)
    return -1, ()
