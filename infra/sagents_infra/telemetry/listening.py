"""Spans of models and tools, made of what telemetry tells while an activity is at work (L-67, B-135)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import time_ns

from opentelemetry.context import attach, detach
from opentelemetry.trace import Span, SpanKind, set_span_in_context

from sagents import telemetry
from sagents.errors import InvalidInput
from sagents.telemetry import EventName, Values
from sagents_infra.telemetry import naming
from sagents_infra.telemetry.spans import Spans, failed

HANDLER = "sagents.otel"
BEGINS = {telemetry.LLM_REQUEST, telemetry.TOOL_START}
ENDS = {telemetry.LLM_RESPONSE: "llm", telemetry.LLM_ERROR: "llm", telemetry.TOOL_STOP: "tool"}


@dataclass(frozen=True)
class Open:
    """A span that is under way in this task; `undo` makes the one around it current again."""

    kind: str
    span: Span
    undo: Callable[[], object]


@dataclass
class Scope:
    """One activity: what is open in it, and what is told at its end, when there is time to ask the store."""

    spans: Spans
    opened: list[Span] = field(default_factory=list)
    ended: list[tuple[EventName, Values, Values]] = field(default_factory=list)
    late: list[tuple[Span, int]] = field(default_factory=list)

    def hear(self, event: EventName, measurements: Values, metadata: Values) -> None:
        kind = event[1]
        if event in BEGINS:
            self._begin(kind, metadata)
        elif event in ENDS and "sub_agent_id" not in metadata:
            self._end(kind, measurements, metadata)
        elif event == telemetry.EXECUTION_STOP or event in ENDS:
            self.ended.append((event, measurements, metadata))

    def close(self) -> None:
        """End what waits for its contents, and what was cancelled before it could say how it ended."""
        for span, at in self.late:
            span.end(at)
        for span in self.opened:
            failed(span, "cancelled")
            span.end()

    @property
    def tools(self) -> list[Span]:
        """What tools have done; their spans wait for contents."""
        return [span for span, _ in self.late]

    def _begin(self, kind: str, metadata: Values) -> None:
        attributes = naming.about(metadata)
        if kind == "llm":
            attributes |= {naming.OPERATION: "chat", **naming.of_model(metadata["model"])}
            attributes |= {"sagents.attempt": metadata["attempt"]}
            name, role = f"chat {attributes[naming.MODEL]}", SpanKind.CLIENT
        else:
            attributes |= naming.of_tool(metadata)
            name, role = f"execute_tool {metadata['tool']}", SpanKind.INTERNAL
        span = self.spans.tracer.start_span(name, kind=role, attributes=attributes)
        token = attach(set_span_in_context(span))
        self.opened.append(span)
        _open.set((*_open.get(), Open(kind, span, lambda: detach(token))))

    def _end(self, kind: str, measurements: Values, metadata: Values) -> None:
        *outer, last = _open.get() or (None,)
        if last is None or last.kind != kind or last.span not in self.opened:
            return
        _open.set(tuple(one for one in outer if one is not None))
        self.opened.remove(last.span)
        last.undo()
        for name, key in ((naming.INPUT_TOKENS, "input_tokens"), (naming.OUTPUT_TOKENS, "output_tokens")):
            if key in measurements:
                last.span.set_attribute(name, measurements[key])
        failed(last.span, problem(metadata), metadata.get("error") if kind == "llm" or self.spans.contents else None)
        if kind == "tool" and self.spans.contents:
            self.late.append((last.span, time_ns()))
        else:
            last.span.end()


_open: ContextVar[tuple[Open, ...]] = ContextVar("sagents_open_spans", default=())
_scope: ContextVar[Scope | None] = ContextVar("sagents_scope", default=None)


@contextmanager
def listening(spans: Spans) -> Iterator[Scope]:
    """While inside, what telemetry tells in this task, and in those that it starts, becomes spans."""
    scope = Scope(spans)
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)
        scope.close()


def attached() -> None:
    """Make sure that telemetry is heard in this process."""
    try:
        telemetry.attach_many(HANDLER, [*BEGINS, *ENDS, telemetry.EXECUTION_STOP], _hear)
    except InvalidInput:
        return  # since another worker of this process


def problem(metadata: Values) -> str | None:
    """The type of what went wrong; short and one of few, as the conventions want it."""
    if metadata.get("status") == "cancelled":
        return "cancelled"
    if "error_type" in metadata:
        return metadata["error_type"] and str(metadata["error_type"])
    if metadata.get("error") is None:
        return None
    return f"model_{metadata['kind']}" if "kind" in metadata else "tool_error"


def _hear(event: EventName, measurements: Values, metadata: Values, _: object) -> None:
    if (scope := _scope.get()) is not None:
        scope.hear(event, measurements, metadata)
