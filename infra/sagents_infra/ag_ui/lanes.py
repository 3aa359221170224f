"""Who is at work in a run: the agent, and its sub-agents as they are announced and closed."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

from ag_ui.core import (
    BaseEvent,
    CustomEvent,
    SubagentErrorEvent,
    SubagentFinishedEvent,
    SubagentFinishedSuspendedOutcome,
    SubagentStartedEvent,
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


class SubAgents:
    """Sub-agents of one run. Each is announced before anything of it is told, and closed before the run is."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._lanes: dict[str, Lane] = {}
        self._calls: dict[str, str] = {}
        self._active: dict[str, None] = {}
        self._ended: set[str] = set()

    def tell(self, event: Event) -> Iterator[BaseEvent]:
        """What an event of a sub-agent is; nothing after its end."""
        whose = event.sub_agent_id or "/".join(event.path)
        if whose in self._ended:
            return
        yield from self._announce(whose, event.path, event)
        lane, data = self._lanes[whose], event.data
        match event.type:
            case "subagent_started":
                return
            case "subagent_completed":
                yield from self._end(lane)
                yield SubagentFinishedEvent(subagent_run_id=whose, result=data.get("result"))
            case "subagent_failed" | "subagent_cancelled":
                yield from self._end(lane)
                why = str(data.get("error") or data.get("reason") or "The sub-agent was cancelled.")
                code = event.type.removeprefix("subagent_")
                yield SubagentErrorEvent(subagent_run_id=whose, message=why, code=code)
            case _:
                yield from lane.tell(event)

    def close(self, asked: Collection[tuple[str, str | None]] | None) -> Iterator[BaseEvent]:
        """The run is over. With what is `asked` (an interrupt's id, whose it is) those at work are only suspended."""
        for whose in reversed([*self._active]):
            if asked is None:
                yield from self._end(self._lanes[whose])
                why = "The run ended before the sub-agent did."
                yield SubagentErrorEvent(subagent_run_id=whose, message=why, code="cancelled")
            else:
                yield from self._lanes[whose].speech.end()
                mine = [one for one, owner in asked if owner == whose]
                outcome = SubagentFinishedSuspendedOutcome(interrupt_ids=mine or None)
                yield SubagentFinishedEvent(subagent_run_id=whose, outcome=outcome)
        self._active.clear()

    def suspend(self) -> None:
        """Who is at work is announced again with the next word of it."""
        self._active.clear()

    def _announce(self, whose: str, path: tuple[str, ...], event: Event | None = None) -> Iterator[BaseEvent]:
        if whose in self._active:
            return
        above = whose.rpartition("/")[0]
        if len(path) > 1 and above not in self._ended:
            yield from self._announce(above, path[:-1])
        self._active[whose] = None
        self._lanes.setdefault(whose, Lane(self._transcript, whose))
        if event is not None and event.type == "subagent_started" and event.data.get("call_id"):
            self._calls[whose] = str(event.data["call_id"])
        yield SubagentStartedEvent(
            subagent_run_id=whose,
            name=path[-1],
            parent_subagent_run_id=above if above in self._active else None,
            parent_tool_call_id=self._calls.get(whose),
        )

    def _end(self, lane: Lane) -> Iterator[BaseEvent]:
        """Nothing more of it is told, ever."""
        yield from lane.speech.end()
        yield from lane.calls.settled()
        if lane.whose is not None:
            self._active.pop(lane.whose, None)
            self._ended.add(lane.whose)
