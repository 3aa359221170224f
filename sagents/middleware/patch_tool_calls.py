"""No call stays without a result: providers refuse a conversation in which one does (B-59)."""

from __future__ import annotations

from collections.abc import Sequence

from sagents.hooks import HookContext, Middleware
from sagents.messages import Message, Role, ToolCall, ToolResult
from sagents.state import State


class PatchToolCalls(Middleware):
    """Before each model call, gives every call that no later message answers a result that says so.

    The kernel closes its own calls; those without an end come with imported conversations, messages that an agent
    starts with, and hooks that edit what was said. All else stays as it is, in its order.
    """

    id = "patch_tool_calls"

    def before_model(self, state: State, context: HookContext, /) -> State | None:
        patches = patches_for(state.messages)
        if not patches:
            return None
        messages: list[Message] = []
        for place, message in enumerate(state.messages):
            messages += [message, patches[place]] if place in patches else [message]
        calls = sum(len(patch.tool_results) for patch in patches.values())
        context.emit("middleware_action", {"middleware": self.id, "action": "patched", "calls": calls})
        return state.set_messages(messages)


def patches_for(messages: Sequence[Message]) -> dict[int, Message]:
    """By the place of a message with unanswered calls: the results that belong behind it."""
    patches: dict[int, Message] = {}
    answered: set[str] = set()
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role is Role.TOOL:
            answered.update(result.tool_call_id for result in message.tool_results)
        if open_calls := [call for call in message.tool_calls if call.call_id not in answered]:
            patches[place] = Message.tool(*map(_cancelled, open_calls))
    return patches


def _cancelled(call: ToolCall) -> ToolResult:
    why = "another message came in before it could be completed."
    text = f"Tool call {call.name} with id {call.call_id} was cancelled - {why}"
    return ToolResult(tool_call_id=call.call_id, name=call.name, content=text)
