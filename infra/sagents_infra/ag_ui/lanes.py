"""One agent's part of a run: what each of its events is in AG-UI."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from ag_ui.core import (
    BaseEvent,
    CustomEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
)

from sagents.display import ContentType, MessageType
from sagents.event_types_replies import LlmDeltas, LlmMessage, ToolCallIdentified
from sagents.event_types_work import Approval, DisplayMessageSaved
from sagents.events import Event
from sagents.messages import PartType
from sagents_infra.ag_ui.calls import Calls
from sagents_infra.ag_ui.speech import Speech
from sagents_infra.ag_ui.transcript import Transcript

UNTOLD = frozenset(
    {
        "after_middleware_state",
        "agent_state_update",
        "llm_token_usage",
        "middleware_action",
        "subagent_status_changed",
    }
)
"""For debuggers, who watch the agent itself (the first has the whole prompt), or told at the end of a run."""

TOLD_OTHERWISE = frozenset({ContentType.TEXT, ContentType.THINKING, ContentType.TOOL_CALL, ContentType.TOOL_RESULT})
"""Rows of what AG-UI has messages for."""


class Lane:
    """One agent's words and calls. `whose` is the sub-agent's id, None the agent's that people talk to."""

    def __init__(self, transcript: Transcript, whose: str | None = None) -> None:
        self.whose = whose
        self.speech = Speech(whose, transcript)
        self.calls = Calls(whose)
        self._transcript = transcript
        self._tellers: dict[str, Callable[[Event], Iterator[BaseEvent]]] = {
            "llm_deltas": self._deltas,
            "llm_message": self._message,
            "tool_call_identified": lambda event: self.calls.asked(ToolCallIdentified.model_validate(event.data)),
            "tool_execution_update": lambda event: self.calls.updated(event.data),
            "display_message_saved": self._row,
            "display_message_updated": self._row,
        }

    def tell(self, event: Event) -> Iterator[BaseEvent]:
        """What one event of this agent is in AG-UI; what AG-UI has no event for goes as it is, as CUSTOM."""
        if event.type in UNTOLD:
            return
        if event.type.startswith("approval."):
            yield from self._approval(event)
        elif (teller := self._tellers.get(event.type)) is not None:
            yield from teller(event)
        else:
            yield self._custom(event.type, dict(event.data))

    def _deltas(self, event: Event) -> Iterator[BaseEvent]:
        told = LlmDeltas.model_validate(event.data)
        for delta in told.deltas if told.stream_id else ():
            yield from self.speech.delta(told.stream_id, told.attempt, delta.text, delta.thinking)

    def _message(self, event: Event) -> Iterator[BaseEvent]:
        told = LlmMessage.model_validate(event.data)
        stream_id = told.stream_id or told.message.id or f"message-{event.id}"
        yield from self.speech.whole(told.message, stream_id)
        for call in told.message.tool_calls:
            self.calls.held(call.call_id, stream_id)
        for part in told.message.content if isinstance(told.message.content, tuple) else ():
            if part.type not in (PartType.TEXT, PartType.THINKING):
                yield self._custom("message_part", {"messageId": stream_id, "part": part.model_dump(mode="json")})

    def _row(self, event: Event) -> Iterator[BaseEvent]:
        """A row of the transcript, where nothing else tells of what it shows; the page may have it already."""
        row = DisplayMessageSaved.model_validate(event.data).row
        if row.content_type not in TOLD_OTHERWISE:
            yield self._custom(event.type, {"row": row.wire})
        elif row.content_type is ContentType.TOOL_RESULT and row.tool_call_id:
            yield from self.calls.answered(
                row.tool_call_id, row.text, "failed" if row.content.get("is_error") else None
            )
        elif row.content_type is ContentType.TEXT and row.message_type is MessageType.USER:
            yield from self._said(row.id.rpartition(".")[0] or row.id, "user", row.text)
        elif row.content_type is ContentType.TEXT and row.metadata.get("halted"):
            yield from self._said(row.id, "assistant", row.text)

    def _said(self, message_id: str, role: Literal["user", "assistant"], text: str) -> Iterator[BaseEvent]:
        if message_id not in self._transcript:
            yield TextMessageStartEvent(message_id=message_id, role=role)
            yield TextMessageContentEvent(message_id=message_id, delta=text)
            yield TextMessageEndEvent(message_id=message_id)

    def _approval(self, event: Event) -> Iterator[BaseEvent]:
        """Where a decision stands, without what is only for the record. Of sub-agents' calls no row has the result."""
        entry = Approval.model_validate(event.data)
        if self.whose is not None:
            yield from self.calls.closed(entry)
        shown = entry.model_dump(mode="json", include={"interrupt_id", "status", "tool", "tool_call_id", "summary"})
        who = entry.who.name if entry.who else None
        yield self._custom(event.type, {**shown, "who": who} if who else shown)

    def _custom(self, name: str, value: Any) -> CustomEvent:
        return CustomEvent(name=name, value=value, subagent_run_id=self.whose)
