"""Making spans: with ids of our choice where several processes have to agree, and none of it when nobody samples."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
    set_span_in_context,
)

from sagents_infra.redaction import without_secrets
from sagents_infra.telemetry.naming import ERROR, Attributes
from sagents_infra.telemetry.places import Place

_chosen: ContextVar[tuple[int, int] | None] = ContextVar("sagents_chosen_ids", default=None)


class ChosenIds(IdGenerator):
    """The ids that were chosen for the span that is being made, else those of the provider."""

    def __init__(self, usual: IdGenerator) -> None:
        self._usual = usual

    def generate_trace_id(self) -> int:
        chosen = _chosen.get()
        return chosen[0] if chosen else self._usual.generate_trace_id()

    def generate_span_id(self) -> int:
        chosen = _chosen.get()
        return chosen[1] if chosen else self._usual.generate_span_id()

    def is_trace_id_random(self) -> bool:
        return _chosen.get() is None and self._usual.is_trace_id_random()


class Spans:
    """A tracer of the SDK's, and where spans of runs go."""

    def __init__(self, provider: TracerProvider, contents: bool = False) -> None:
        self.contents = contents
        self.tracer: Tracer = provider.get_tracer("sagents")
        if usual := getattr(self.tracer, "id_generator", None):
            self.tracer.id_generator = ChosenIds(usual)  # type: ignore[attr-defined]  # a tracer of our own

    def context(self, place: Place, caller: SpanContext | None, span_id: int) -> SpanContext:
        """A span of a run, wherever it is made; where nobody's trace leads to the run, its own trace."""
        trace_id = caller.trace_id if caller else place.trace_id
        flags = caller.trace_flags if caller else self._flags(trace_id)
        return SpanContext(trace_id, span_id, True, flags, caller.trace_state if caller else None)

    def under(self, place: Place, caller: SpanContext | None, span_id: int, base: Context) -> Context:
        """The context of what happens below that span."""
        return set_span_in_context(NonRecordingSpan(self.context(place, caller, span_id)), base)

    def made(
        self, name: str, place: Place, parent: SpanContext | None, span_id: int, times: tuple[int, int], what: "What"
    ) -> None:
        """A span with this id, from its beginning to its end (in ns), when the end is known."""
        context = set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
        token = _chosen.set((place.trace_id, span_id))
        try:
            span = self.tracer.start_span(
                name, context, kind=SpanKind.INTERNAL, attributes=what.attributes, start_time=times[0]
            )
        finally:
            _chosen.reset(token)
        what.finish(span, times[1])

    def _flags(self, trace_id: int) -> TraceFlags:
        sampler = getattr(self.tracer, "sampler", None)
        sampled = sampler is None or sampler.should_sample(None, trace_id, "invoke_agent").decision.is_sampled()
        return TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)


class What:
    """What a span says, and whether it went well: `error` is the type of what went wrong."""

    def __init__(self, attributes: Attributes, error: str | None = None, words: str | None = None) -> None:
        self.attributes, self.error, self.words = attributes, error, words

    def finish(self, span: Span, end_time: int | None = None) -> None:
        span.set_attributes(self.attributes)
        failed(span, self.error, self.words)
        span.end(end_time)


def failed(span: Span, error: str | None, words: str | None = None) -> None:
    """Mark a span, where there is an error; its words without secrets."""
    if error is not None:
        span.set_attribute(ERROR, error)
        span.set_status(Status(StatusCode.ERROR, without_secrets(words) if words else None))


def times_of(measurements: Mapping[str, Any]) -> tuple[int, int]:
    """When what telemetry tells began and ended, in ns."""
    end = int(measurements["system_time"] * 1_000_000_000)
    return end - measurements.get("duration_ms", 0) * 1_000_000, end
