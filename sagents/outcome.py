"""How a run ended, for whoever asked for it."""

from __future__ import annotations

from typing import Self

from pydantic import JsonValue
from pydantic_core import from_json

from sagents.errors import RunFailed
from sagents.frozen import Frozen
from sagents.interrupts import Interrupt
from sagents.messages import Role, ToolCall, ToolResult
from sagents.plan import OutcomeKind, RunError
from sagents.state import State


class Outcome(Frozen):
    """A run never raises: `kind` says how it ended, `unwrap` raises for those who want that (B-7).

    `text` is what the agent said last in this run. `tool_result` belongs to the call that satisfied `until_tool`;
    `processed` is its value for programs. `cause` is a pause's.
    """

    kind: OutcomeKind
    text: str = ""
    state: State = State()
    interrupts: tuple[Interrupt, ...] = ()
    error: RunError | None = None
    cause: str | None = None
    tool_result: ToolResult | None = None
    processed: JsonValue = None

    def unwrap(self) -> Self:
        """This outcome, if the run finished; else `RunFailed` is raised, which says how it ended."""
        if self.kind is OutcomeKind.FINISHED:
            return self
        raise RunFailed(self.kind, self._why(), self.error.type if self.error else None)

    def call_of(self, interrupt: Interrupt) -> ToolCall | None:
        """The call that an interrupt is about, with the arguments that a person decides on."""
        return call_named(self.state, interrupt.tool_call_id)

    def _why(self) -> str:
        match self.kind:
            case OutcomeKind.FAILED:
                return self.error.message if self.error else "The run failed."
            case OutcomeKind.INTERRUPTED:
                asked = "; ".join(i.message or i.tool or i.reason for i in self.interrupts)
                return f"The run waits for a person: {asked}. `agent.resume(outcome.state, decisions)` goes on."
            case OutcomeKind.PAUSED:
                return (
                    f"The run is paused ({self.cause or 'no cause given'}); `agent.resume(outcome.state, ())` goes on."
                )
            case _:
                return f"The run was {self.kind}."


def call_named(state: State, call_id: str | None) -> ToolCall | None:
    """The newest call of this id in a conversation."""
    calls = (call for message in reversed(state.messages) for call in message.tool_calls if call.call_id == call_id)
    return next(calls, None)


def result_named(state: State, call_id: str | None) -> ToolResult | None:
    """The newest result of this call in a conversation."""
    results = (r for message in reversed(state.messages) for r in message.tool_results if r.tool_call_id == call_id)
    return next(results, None)


def last_text(state: State) -> str:
    """What the agent said last since the user spoke."""
    for message in reversed(state.messages):
        if message.role is Role.USER:
            break
        if message.role is Role.ASSISTANT and message.text:
            return message.text
    return ""


def value_of(result: ToolResult | None) -> JsonValue:
    """The value that a tool returned as JSON; None for a text or a failure."""
    if result is None or result.is_error or not result.options.get("json"):
        return None
    value: JsonValue = from_json(result.text)
    return value
