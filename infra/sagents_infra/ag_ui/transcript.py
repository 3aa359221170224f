"""The conversation as a client of AG-UI has it by now: its own messages and all that it was told since.

What was said cannot be taken back by an event of its own; only a snapshot of all messages does that.
"""

from collections.abc import Iterable

from ag_ui.core import (
    AssistantMessage,
    BaseEvent,
    FunctionCall,
    Message,
    MessagesSnapshotEvent,
    ReasoningMessage,
    ReasoningMessageContentEvent,
    ReasoningMessageStartEvent,
    TextMessageContentEvent,
    TextMessageStartEvent,
    ToolCall,
    ToolCallArgsEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
    ToolMessage,
    UserMessage,
)


class Transcript:
    """Messages by id, in the order in which the client met them."""

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._messages: dict[str, Message] = {one.id: one for one in messages if one.role != "activity"}
        self._holder: dict[str, str] = {}

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._messages

    def text(self, message_id: str) -> str:
        """What the client has of an assistant's message."""
        known = self._messages.get(message_id)
        return known.content or "" if isinstance(known, AssistantMessage) else ""

    @property
    def snapshot(self) -> MessagesSnapshotEvent:
        return MessagesSnapshotEvent(messages=[*self._messages.values()])

    def forget(self, message_id: str) -> None:
        self._messages.pop(message_id, None)

    def told(self, event: BaseEvent) -> None:
        """The client has this event, too."""
        match event:
            case TextMessageStartEvent():
                self._begin(event)
            case TextMessageContentEvent():
                self._add(event.message_id, event.delta)
            case ReasoningMessageStartEvent():
                known = self._messages.get(event.message_id)
                fresh = ReasoningMessage(id=event.message_id, content="", subagent_run_id=event.subagent_run_id)
                self._messages[event.message_id] = known or fresh
            case ReasoningMessageContentEvent():
                self._add(event.message_id, event.delta)
            case ToolCallStartEvent():
                self._call(event)
            case ToolCallArgsEvent():
                self._argue(event)
            case ToolCallResultEvent():
                self._messages[event.message_id] = ToolMessage(
                    id=event.message_id,
                    tool_call_id=event.tool_call_id,
                    content=event.content,
                    subagent_run_id=event.subagent_run_id,
                )
            case _:
                pass

    def _begin(self, event: TextMessageStartEvent) -> None:
        if event.message_id in self._messages:
            return
        whose = event.subagent_run_id
        self._messages[event.message_id] = (
            UserMessage(id=event.message_id, content="", subagent_run_id=whose)
            if event.role == "user"
            else AssistantMessage(id=event.message_id, content="", subagent_run_id=whose)
        )

    def _add(self, message_id: str, delta: str) -> None:
        known = self._messages.get(message_id)
        if isinstance(known, AssistantMessage | UserMessage | ReasoningMessage):
            self._messages[message_id] = known.model_copy(update={"content": f"{known.content or ''}{delta}"})

    def _call(self, event: ToolCallStartEvent) -> None:
        holder = event.parent_message_id or event.tool_call_id
        known = self._messages.get(holder)
        if not isinstance(known, AssistantMessage):
            known = AssistantMessage(id=holder, subagent_run_id=event.subagent_run_id)
        calls = [one for one in known.tool_calls or [] if one.id != event.tool_call_id]
        call = ToolCall(id=event.tool_call_id, function=FunctionCall(name=event.tool_call_name, arguments=""))
        self._messages[holder] = known.model_copy(update={"tool_calls": [*calls, call]})
        self._holder[event.tool_call_id] = holder

    def _argue(self, event: ToolCallArgsEvent) -> None:
        message = self._messages.get(self._holder.get(event.tool_call_id, ""))
        for call in (message.tool_calls or []) if isinstance(message, AssistantMessage) else []:
            if call.id == event.tool_call_id:
                call.function.arguments += event.delta
