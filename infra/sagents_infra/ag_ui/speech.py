"""What one agent says, as AG-UI streams it: a text and the thoughts before it, both open only while they grow.

    deltas   attempt 1: "Hel"        attempt 2: "Hello"                     late: dropped
    message                                              "Hello there"
    told     START "Hel"       END, SNAPSHOT, START "Hello"    " there" END

A reply that was told while it grew is told no second time when it is whole: only what is missing of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ag_ui.core import (
    BaseEvent,
    ReasoningEndEvent,
    ReasoningMessageContentEvent,
    ReasoningMessageEndEvent,
    ReasoningMessageStartEvent,
    ReasoningStartEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
)

from sagents.messages import Message, MessageStatus, PartType
from sagents_infra.ag_ui.transcript import Transcript


@dataclass
class Stream:
    """A reply that is being told."""

    id: str
    attempt: int
    text: str = ""
    thoughts: str = ""
    speaks: bool = False
    thinks: bool = False
    begun: int = 1

    @property
    def thoughts_id(self) -> str:
        """A client may keep thoughts that a snapshot leaves out: those of another attempt are another message."""
        return f"{self.id}:thoughts" if self.begun == 1 else f"{self.id}:thoughts:{self.begun}"


@dataclass
class Speech:
    """The replies of one agent, one after the other."""

    whose: str | None
    transcript: Transcript
    _stream: Stream | None = None
    _done: set[str] = field(default_factory=set)

    def delta(self, stream_id: str, attempt: int, text: str, thoughts: str) -> Iterator[BaseEvent]:
        """A piece of a reply. What comes of a reply that is whole, or of an attempt that was given up, is dropped.

        So it is where the client has some of the reply from before: nobody knows what is missing between.
        """
        begun = self._stream is not None and self._stream.id == stream_id
        if stream_id in self._done or (not begun and stream_id in self.transcript):
            return
        yield from self._opened(stream_id, attempt)
        stream = self._stream
        if stream is None or attempt < stream.attempt:
            return
        yield from self._think(stream, thoughts)
        yield from self._say(stream, text)

    def whole(self, message: Message, stream_id: str) -> Iterator[BaseEvent]:
        """A reply as it will be kept; once."""
        if stream_id in self._done:
            return
        yield from self._opened(stream_id, self._stream.attempt if self._stream else 1)
        stream = self._stream
        assert stream is not None, "it was opened just now"
        stream.text = stream.text or self.transcript.text(stream_id)
        yield from self._settled(stream, message)
        yield from self._hush(stream, message.status)
        self._stream = None
        self._done.add(stream_id)

    def end(self) -> Iterator[BaseEvent]:
        """Nothing more is said. Of a reply that was never whole nothing is kept: so it is with the agent."""
        if self._stream is not None:
            yield from self._anew(self._stream)
            self._stream = None

    def _opened(self, stream_id: str, attempt: int) -> Iterator[BaseEvent]:
        if self._stream is not None and self._stream.id != stream_id:
            yield from self.end()
        if self._stream is None:
            self._stream = Stream(stream_id, attempt)
        elif attempt > self._stream.attempt:
            yield from self._anew(self._stream)
            self._stream.attempt = attempt

    def _settled(self, stream: Stream, message: Message) -> Iterator[BaseEvent]:
        """Tell what the reply has beyond what was streamed; where that was another one, take it back."""
        thoughts = thoughts_of(message)
        if thoughts.startswith(stream.thoughts):
            yield from self._think(stream, thoughts[len(stream.thoughts) :])
        if not message.text.startswith(stream.text):
            yield from self._anew(stream)
        yield from self._say(stream, message.text[len(stream.text) :])

    def _anew(self, stream: Stream) -> Iterator[BaseEvent]:
        """What was said of it does not count any more."""
        yield from self._hush(stream)
        if stream.text or stream.thoughts:
            self.transcript.forget(stream.id)
            self.transcript.forget(stream.thoughts_id)
            yield self.transcript.snapshot
        stream.text = stream.thoughts = ""
        stream.begun += 1

    def _say(self, stream: Stream, text: str) -> Iterator[BaseEvent]:
        if not text:
            return
        yield from self._pondered(stream)
        if not stream.speaks:
            stream.speaks = True
            yield TextMessageStartEvent(message_id=stream.id, role="assistant", subagent_run_id=self.whose)
        stream.text += text
        yield TextMessageContentEvent(message_id=stream.id, delta=text, subagent_run_id=self.whose)

    def _think(self, stream: Stream, text: str) -> Iterator[BaseEvent]:
        if not text:
            return
        about = stream.thoughts_id
        if not stream.thinks:
            stream.thinks = True
            yield ReasoningStartEvent(message_id=about, subagent_run_id=self.whose)
            yield ReasoningMessageStartEvent(message_id=about, subagent_run_id=self.whose)
        stream.thoughts += text
        yield ReasoningMessageContentEvent(message_id=about, delta=text, subagent_run_id=self.whose)

    def _hush(self, stream: Stream, status: MessageStatus = MessageStatus.COMPLETE) -> Iterator[BaseEvent]:
        yield from self._pondered(stream)
        if stream.speaks:
            stream.speaks = False
            why = None if status is MessageStatus.COMPLETE else {"sagents": {"status": str(status)}}
            yield TextMessageEndEvent(message_id=stream.id, subagent_run_id=self.whose, metadata=why)

    def _pondered(self, stream: Stream) -> Iterator[BaseEvent]:
        """Thoughts end where words begin; they may begin again."""
        if stream.thinks:
            stream.thinks = False
            about = stream.thoughts_id
            yield ReasoningMessageEndEvent(message_id=about, subagent_run_id=self.whose)
            yield ReasoningEndEvent(message_id=about, subagent_run_id=self.whose)


def thoughts_of(message: Message) -> str:
    """What the model let us see of its thinking."""
    parts = message.content if isinstance(message.content, tuple) else ()
    return "".join(part.content for part in parts if part.type is PartType.THINKING)
