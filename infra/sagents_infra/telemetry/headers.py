"""What a request's header says of its trace."""

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.converter import PayloadConverter

from sagents_infra.telemetry.carrying import HEADER, Headers

PROPAGATOR = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
"""Trace and baggage, as Temporal's interceptor writes them."""


def heard(headers: Headers) -> Context:
    """The context of who was heard last; an empty one where nobody traces, or the header is nothing we can read."""
    payload = headers.get(HEADER)
    if payload is None:
        return Context()
    try:
        carrier = PayloadConverter.default.from_payloads([payload])[0]
        return PROPAGATOR.extract(carrier, Context())
    except Exception:  # a stranger's header must not fail an activity
        return Context()
