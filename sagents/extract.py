"""Structured extraction: a run that ends with a tool call, for the sake of what the tool was given (B-19, B-20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

from sagents.errors import RunFailed
from sagents.messages import Message, ToolResult
from sagents.outcome import Outcome, call_named, last_text, value_of
from sagents.state import State

if TYPE_CHECKING:
    from sagents.agent import Agent
    from sagents.callbacks import Callbacks

Given: TypeAlias = Outcome | State


class Extract:
    """Have a model fill in a tool's arguments until the tool takes them."""

    @staticmethod
    async def run(
        agent: Agent,
        state: State | Message | str,
        *,
        until_tool_success: str | Sequence[str] = (),
        max_runs: int = 5,
        callbacks: Callbacks | Sequence[Callbacks] = (),
    ) -> JsonValue:
        """What the tool made of the arguments, else the arguments themselves. Raises `RunFailed`, never returns half.

        An error that the tool returns goes back to the model, which may correct itself up to `max_runs` times.
        """
        targets = (until_tool_success,) if isinstance(until_tool_success, str) else tuple(until_tool_success)
        if not any(targets):
            raise _failed("extract_invalid_opts", "Extract.run needs `until_tool_success`: the tool that ends it.")
        outcome = await agent.execute(state, until_tool_success=targets, max_runs=max_runs, callbacks=callbacks)
        if outcome.error and outcome.error.type == "unknown_until_tool":
            raise _failed("extract_tool_not_found", outcome.error.message)
        done = outcome.unwrap()
        if done.processed is not None:
            return done.processed
        return AgentResult.tool_arguments(done, done.tool_result.name if done.tool_result else None)


class AgentResult:
    """Reading what came of a run, from its outcome or from a State. All raise `RunFailed` where there is nothing."""

    @staticmethod
    def tool_result(given: Given, name: str | None = None) -> ToolResult:
        """The newest result of the tool (of any, without a name); one that is no error is preferred."""
        state = _state(given)
        if isinstance(given, Outcome) and given.tool_result and name in (None, given.tool_result.name):
            return given.tool_result
        calls = {call.call_id: call.name for message in state.messages for call in message.tool_calls}
        found = [
            result
            for message in state.messages
            for result in message.tool_results
            if name is None or (result.name or calls.get(result.tool_call_id)) == name
        ]
        if not found:
            raise _failed("no_tool_result", f"There is no result of {name or 'any tool'}.")
        return next((result for result in reversed(found) if not result.is_error), found[-1])

    @staticmethod
    def tool_arguments(given: Given, name: str | None = None) -> dict[str, JsonValue]:
        """The arguments of the call whose result `tool_result` gives."""
        result = AgentResult.tool_result(given, name)
        call = call_named(_state(given), result.tool_call_id)
        if call is None or not isinstance(call.arguments, Mapping):
            raise _failed("no_tool_arguments", f"The call of {name or 'the tool'} has no readable arguments.")
        return dict(call.arguments)

    @staticmethod
    def processed_content(given: Given, name: str | None = None) -> JsonValue:
        """The value behind the result: a tool's artifacts, or what it returned as JSON."""
        result = AgentResult.tool_result(given, name)
        if isinstance(given, Outcome) and given.processed is not None and result == given.tool_result:
            return given.processed
        value = value_of(result)
        if value is None:
            raise _failed("no_processed_content", f"The result of {name or 'the tool'} is text: {result.text[:200]!r}.")
        return value

    @staticmethod
    def to_string(given: Given) -> str:
        """What the agent said last."""
        text = last_text(_state(given))
        if not text:
            raise _failed("no_text", "The agent has said nothing.")
        return text


def _state(given: Given) -> State:
    """The state, where the run finished; how it ended otherwise is `RunFailed`'s to tell."""
    return given.unwrap().state if isinstance(given, Outcome) else given


def _failed(type: str, message: str) -> RunFailed:
    return RunFailed("failed", message, type)
