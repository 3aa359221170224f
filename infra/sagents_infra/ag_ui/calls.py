"""Tool calls of one agent as AG-UI tells them: what is called when the model has asked for it, its result once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ag_ui.core import (
    BaseEvent,
    CustomEvent,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
)

from sagents.decisions import Respond
from sagents.event_types_replies import ToolCallIdentified
from sagents.event_types_work import Approval
from sagents.interrupts import InterruptStatus

UNANSWERED = {
    InterruptStatus.REJECTED: "rejected",
    InterruptStatus.RESPONDED: "responded",
    InterruptStatus.EXPIRED: "expired",
    InterruptStatus.CANCELLED: "cancelled",
    InterruptStatus.SUPERSEDED: "cancelled",
}
"""How a gated call ended that will never run."""


@dataclass
class Calls:
    """The calls of one agent. A result may answer a call of an earlier run."""

    whose: str | None
    _holders: dict[str, str] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)
    _open: dict[str, None] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)

    def held(self, call_id: str, message_id: str) -> None:
        """The message that asks for the call."""
        self._holders[call_id] = message_id

    def asked(self, call: ToolCallIdentified) -> Iterator[BaseEvent]:
        """A call, whole: providers' pieces of arguments are no JSON, so nobody could act on them earlier."""
        if call.call_id in self._begun:
            return
        self._begun.add(call.call_id)
        self._open[call.call_id] = None
        yield ToolCallStartEvent(
            tool_call_id=call.call_id,
            tool_call_name=call.name,
            parent_message_id=self._holders.pop(call.call_id, None),
            subagent_run_id=self.whose,
            metadata={"sagents": {"displayText": call.display_text}} if call.display_text else None,
        )
        text = call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))
        yield ToolCallArgsEvent(tool_call_id=call.call_id, delta=text, subagent_run_id=self.whose)
        yield ToolCallEndEvent(tool_call_id=call.call_id, subagent_run_id=self.whose)

    def updated(self, data: Mapping[str, Any]) -> Iterator[BaseEvent]:
        """A call goes on, or has ended."""
        call_id, status = str(data.get("call_id")), str(data.get("status"))
        match status:
            case "completed":
                yield from self.answered(call_id, str(data.get("result", "")))
            case "failed":
                yield from self.answered(call_id, str(data.get("error", "")), status)
            case "cancelled":
                yield from self.answered(call_id, "", status)
            case _:
                value = dict(data)
                yield CustomEvent(name="tool_execution_update", value=value, subagent_run_id=self.whose)

    def closed(self, entry: Approval) -> Iterator[BaseEvent]:
        """A call that waited for a person: what is in its result's place, if it will not run."""
        if entry.tool_call_id is not None and entry.status in UNANSWERED:
            yield from self.answered(entry.tool_call_id, _words(entry), UNANSWERED[entry.status])

    def settled(self) -> Iterator[BaseEvent]:
        """Answer what nothing was told of: a call without a result would be the client's to run."""
        for call_id in [*self._open]:
            yield from self.answered(call_id, "", "unknown")

    def answered(self, call_id: str, content: str, status: str | None = None) -> Iterator[BaseEvent]:
        """The result of a call, once; `status` says what else it is than the tool's own."""
        if call_id in self._answered:
            return
        self._answered.add(call_id)
        self._open.pop(call_id, None)
        yield ToolCallResultEvent(
            message_id=f"{call_id}:result",
            tool_call_id=call_id,
            content=content,
            role="tool",
            subagent_run_id=self.whose,
            metadata={"sagents": {"status": status}} if status else None,
        )


def _words(entry: Approval) -> str:
    if isinstance(entry.decision, Respond):
        return entry.decision.text
    return getattr(entry.decision, "reason", None) or entry.note or ""
