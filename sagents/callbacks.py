"""Who may listen to a run, and to what (B-26)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypedDict

from sagents.errors import InvalidInput, ModelError
from sagents.messages import Message, TokenUsage, ToolCall, ToolResult
from sagents.plan import RunError
from sagents.ports import Delta
from sagents.state import State

Heard: TypeAlias = Awaitable[object] | object


class Callbacks(TypedDict, total=False):
    """Observers by what they hear of: for `Agent.execute(callbacks=...)` and as `Middleware.observers()`.

    Each is a plain or an async function. What it returns is ignored, and one that raises disturbs no run.
    """

    on_after_middleware: Callable[[State], Heard]
    """The state as the model is about to see it."""
    on_llm_new_delta: Callable[[Delta], Heard]
    """A fragment of a reply."""
    on_llm_new_message: Callable[[Message], Heard]
    """A whole reply."""
    on_llm_token_usage: Callable[[TokenUsage], Heard]
    """What a reply took."""
    on_llm_error: Callable[[ModelError], Heard]
    """One try failed; another may follow."""
    on_retries_exceeded: Callable[[ModelError], Heard]
    """A model failed for the last time; a fallback may follow."""
    on_message_processed: Callable[[Message], Heard]
    """A reply is part of the state."""
    on_message_processing_error: Callable[[str], Heard]
    """A model answered with something that is no reply."""
    on_error_message_created: Callable[[ToolResult], Heard]
    """A call will not run, and the model will read why: unknown tool, wrong arguments, denied by a policy."""
    on_tool_call_identified: Callable[[ToolCall], Heard]
    """A reply asks for this call."""
    on_tool_execution_started: Callable[[ToolCall], Heard]
    """A call runs."""
    on_tool_pre_execution: Callable[[ToolCall, Mapping[str, Any]], Heard]
    """A call runs with these validated arguments."""
    on_tool_execution_completed: Callable[[ToolCall, ToolResult], Heard]
    """A call went well."""
    on_tool_execution_failed: Callable[[ToolCall, ToolResult], Heard]
    """A call came to an error, which the model will read."""
    on_tool_interrupted: Callable[[ToolCall, ToolResult], Heard]
    """A call waits for a person."""
    on_tool_response_created: Callable[[ToolResult], Heard]
    """A call has a result, of whichever kind."""
    on_error: Callable[[RunError], Heard]
    """The run failed."""


def checked(callbacks: Mapping[str, object] | Iterable[Mapping[str, object]]) -> tuple[Mapping[str, object], ...]:
    """One map or several as several, the empty ones dropped (B-8). A key that nobody will call is `InvalidInput`."""
    maps = (callbacks,) if isinstance(callbacks, Mapping) else tuple(callbacks)
    unknown = sorted({key for each in maps for key in each} - Callbacks.__optional_keys__)
    if unknown:
        known = ", ".join(sorted(Callbacks.__optional_keys__))
        raise InvalidInput(f"Nothing is announced as {', '.join(unknown)}; observers may listen to {known}.")
    return tuple(each for each in maps if each)
