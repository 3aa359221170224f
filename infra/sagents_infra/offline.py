"""A stand-in for a model, for a project's first minutes: it needs no key and no network, and has no wits."""

import re
from collections.abc import Mapping
from typing import Any

from sagents.messages import Message, Role, ToolCall, ToolResult
from sagents.middleware import default_stack
from sagents.ports import Delta, DeltaSink, ModelRequest, ToolSpec

NAME = "offline"
BY_DEFAULT = frozenset(name for middleware in default_stack() for name in middleware.tool_names or ())
"""Tools that every agent has. They take wits: what a user says is no name of a file to delete."""

HINT = "I am a stand-in without wits; a real model answers once the agent's `model` names one, as anthropic:…"


class OfflineModel:
    """Calls the agent's own first tool that takes one text, with what the user said; then tells what came of it."""

    @property
    def name(self) -> str:
        return NAME

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        last = request.messages[-1] if request.messages else Message.user("")
        tool = next((spec for spec in request.tools if _text_parameter(spec)), None)
        if last.role is Role.USER and tool is not None:
            arguments: dict[str, Any] = {_text_parameter(tool) or "": last.text}
            return Message.assistant(
                None, tool_calls=(ToolCall(call_id="offline", name=tool.name, arguments=arguments),)
            )
        text = _told(last.tool_results[0]) if last.tool_results else f"You said: {last.text} ({HINT})"
        for piece in re.findall(r"\s*\S+\s*", text):
            on_delta(Delta(text=piece))
        return Message.assistant(text)


def _told(result: ToolResult) -> str:
    return f"{result.name} {'failed' if result.is_error else 'says'}: {result.text} ({HINT})"


def _text_parameter(spec: ToolSpec) -> str | None:
    """The name of the one text that a tool takes; None where it takes anything else, or wits."""
    if spec.name in BY_DEFAULT:
        return None
    properties: Any = spec.parameters.get("properties") or {}
    names = list(properties) if isinstance(properties, Mapping) else []
    return names[0] if len(names) == 1 and properties[names[0]].get("type") == "string" else None
