"""What streams just now, for a page: each event of `watch` is folded into the message that is being made (B-111).

    session = StreamingSession()
    async for event in server.watch(agent_id):
        session = session.after(event)
        draw(session.message)            # None: nothing streams, the transcript has it all

    deltas ──▶ text grows ──▶ llm_message ──▶ its calls run ──▶ the last one has ended ──▶ None
                    ↺ a higher attempt           ⏸ one waits for a person: the message stays

Streamed text is provisional: `llm_message` has what counts, and what comes of its stream after it is dropped (B-153).
Events that it does not know change nothing.
"""

from collections.abc import Mapping
from typing import Self

from pydantic import JsonValue

from sagents.event_types import read
from sagents.event_types_life import AgentShutdown, Reset, StatusChanged
from sagents.event_types_replies import LlmDeltas, LlmMessage, ToolCallIdentified, ToolExecutionUpdate
from sagents.events import Event
from sagents.frozen import Frozen
from sagents.messages import ToolCall
from sagents.status import Status

REMEMBERED = 32
"""Streams that are remembered as closed: late deltas are of the newest ones."""

ENDED = frozenset({"completed", "failed", "cancelled"})


class StreamingCall(Frozen):
    """A call as a page shows it; `status` is `identified` until it runs, then that of its last event."""

    call_id: str
    name: str = ""
    display_text: str | None = None
    arguments: Mapping[str, JsonValue] | str = {}
    status: str = "identified"
    progress: str | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @classmethod
    def of(cls, call: ToolCall) -> Self:
        return cls(call_id=call.call_id, name=call.name, display_text=call.display_text, arguments=call.arguments)

    def updated(self, news: ToolCallIdentified | ToolExecutionUpdate) -> Self:
        """After an event about it; what the event does not say stays."""
        named = self.but(
            name=news.name or self.name,
            display_text=news.display_text or self.display_text,
            arguments=self.arguments if news.arguments is None else news.arguments,
        )
        if isinstance(news, ToolCallIdentified):
            return named
        return named.but(status=news.status, progress=news.progress or self.progress)


class StreamingMessage(Frozen):
    """A reply while it streams, and after it while its calls run: they all share it.

    `writes` are the tools of calls that the model has begun to write. Who comes in the middle may see calls alone.
    """

    stream_id: str | None = None
    attempt: int = 0
    text: str = ""
    thinking: str = ""
    writes: tuple[str, ...] = ()
    calls: tuple[StreamingCall, ...] = ()

    def grown(self, news: LlmDeltas) -> Self:
        """With more of the reply; another attempt at it begins anew."""
        begun = self if news.attempt == self.attempt else type(self)(stream_id=self.stream_id, attempt=news.attempt)
        return begun.but(
            text=begun.text + "".join(delta.text for delta in news.deltas),
            thinking=begun.thinking + "".join(delta.thinking for delta in news.deltas),
            writes=(*begun.writes, *(delta.tool_name for delta in news.deltas if delta.tool_name)),
        )

    def updated(self, news: ToolCallIdentified | ToolExecutionUpdate) -> Self:
        """With the call that the news are about as it is now; one that is new comes last."""
        known = {call.call_id: call for call in self.calls}
        call = known.get(news.call_id) or StreamingCall(call_id=news.call_id)
        return self.but(calls=tuple({**known, news.call_id: call.updated(news)}.values()))

    @property
    def is_over(self) -> bool:
        return all(call.has_ended for call in self.calls)


class StreamingSession(Frozen):
    """Everything that a page has to know of what streams; of a sub-agent where it has its `path`."""

    message: StreamingMessage | None = None
    path: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    def after(self, event: Event) -> Self:
        """The session after one more event."""
        news = read(event) if event.path == self.path or event.type == Reset.type else None
        match news:
            case LlmDeltas():
                return self._streamed(news)
            case LlmMessage():
                return self._said(news)
            case ToolCallIdentified() | ToolExecutionUpdate():
                return self._worked(news)
            case StatusChanged(status=Status.RUNNING | Status.INTERRUPTED):
                return self
            case StatusChanged() | AgentShutdown() | Reset():
                return self.but(message=None)
            case _:
                return self

    def _streamed(self, news: LlmDeltas) -> Self:
        """More of a reply, unless it is whole, or another attempt at it is further."""
        message = self.message
        if message is None or message.stream_id != news.stream_id:
            message = StreamingMessage(stream_id=news.stream_id, attempt=news.attempt)
        late = news.stream_id in self.closed or news.attempt < message.attempt
        return self if late else self.but(message=message.grown(news))

    def _said(self, news: LlmMessage) -> Self:
        """The reply as it counts: it stays while its calls run. Without calls the transcript has all of it."""
        streamed, calls = self.message, tuple(StreamingCall.of(call) for call in news.message.tool_calls)
        thinking = streamed.thinking if streamed and streamed.stream_id == news.stream_id else ""
        message = StreamingMessage(stream_id=news.stream_id, text=news.message.text, thinking=thinking, calls=calls)
        closed = self.closed if news.stream_id is None else (*self.closed, news.stream_id)[-REMEMBERED:]
        return self.but(message=message if calls else None, closed=closed)

    def _worked(self, news: ToolCallIdentified | ToolExecutionUpdate) -> Self:
        """A call gets on. The last one that ends takes the message with it; whoever has come late sees calls alone."""
        message = (self.message or StreamingMessage()).updated(news)
        return self.but(message=None if message.is_over else message)
