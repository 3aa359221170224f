"""Which trace a run belongs to: that of the request which it answers, kept where every worker finds it."""

import json
from collections import OrderedDict

import structlog
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from sagents.ports import Store
from sagents_activities.fence import Fence
from sagents_infra.telemetry.places import Place

REMEMBERED = 1_000
"""Runs whose origin one process remembers."""

W3C = TraceContextTextMapPropagator()
log = structlog.get_logger(__name__)


class Origins:
    """The spans that runs are children of. A trouble with the store costs a link, never the run.

    # message ─┐ request A: traceparent ──▶ header ──▶ first step: written once ("trace:<run>")
    # decision ┘ request B: traceparent ──▶ header ──▶ later steps, other workers, after sleep: read, so still A
    """

    def __init__(self, store: Store, fence: Fence) -> None:
        self._store, self._fence = store, fence
        self._known: OrderedDict[tuple[str, str], SpanContext | None] = OrderedDict()

    async def of(self, place: Place, heard: Context | None = None, writer: str = "") -> SpanContext | None:
        """The caller's span; None where the run has a trace of its own. `writer` (a workflow run) begins the run."""
        key = (place.root_id, place.root_run_id)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        try:
            found = await self._found(place, heard, writer)
        except Exception as error:
            log.warning("the trace of a run is not known", agent=place.root_id, error=type(error).__name__)
            return None
        self._known[key] = found
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def _found(self, place: Place, heard: Context | None, writer: str) -> SpanContext | None:
        name = f"trace:{place.root_run_id}"
        body = await self._store.get(place.root_id, name)
        carrier: dict[str, str] = {}
        if body is None and writer and place.is_root and heard is not None:
            W3C.inject(carrier, heard)
        if carrier:
            await self._fence.claim(place.root_id)
            body = await self._store.put_once(place.root_id, name, json.dumps(carrier), writer)
        if body is None:
            return None
        span = get_current_span(W3C.extract(json.loads(body), Context())).get_span_context()
        return span if span.is_valid else None
