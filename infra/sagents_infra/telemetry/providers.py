"""OpenTelemetry's SDK as the environment wants it, for who sets `SAGENTS_TRACING=otel` and nothing else.

A program that has made its own providers keeps them. `OTEL_SERVICE_NAME`, `OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_TRACES_EXPORTER`, `OTEL_TRACES_SAMPLER` and all the others are OpenTelemetry's own.
"""

import os
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from sagents.errors import InvalidInput
from sagents_infra.telemetry.client_side import TracedClient
from sagents_infra.telemetry.meters import Meters

FLUSH_MS = 2_000


@cache
def by_environment(contents: bool) -> tuple[TracedClient, Meters]:
    """The client's interceptor and the meters of this process, made once. `InvalidInput` without their exporters."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(_tracer_provider())
    if not isinstance(metrics.get_meter_provider(), MeterProvider):
        metrics.set_meter_provider(_meter_provider())
    return TracedClient(None, contents=contents), Meters()


def flush() -> None:
    """Send what waits to be sent: before a Lambda function freezes, a process ends."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if callable(force := getattr(provider, "force_flush", None)):
            force(FLUSH_MS)


def _resource() -> Resource:
    return Resource.create({} if "OTEL_SERVICE_NAME" in os.environ else {SERVICE_NAME: "sagents"})


def _tracer_provider() -> TracerProvider:
    provider = TracerProvider(resource=_resource())
    if (exporter := _exporter("traces")) is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _meter_provider() -> MeterProvider:
    exporter = _exporter("metrics")
    readers = [] if exporter is None else [PeriodicExportingMetricReader(exporter)]
    return MeterProvider(readers, resource=_resource())


def _exporter(what: str) -> Any:
    """By the name that OpenTelemetry's own variable gives, from what is installed; None for `none`."""
    variable = f"OTEL_{what.upper()}_EXPORTER"
    name = os.environ.get(variable, "").strip() or "otlp"
    if name == "none":
        return None
    for wanted in (name, f"{name}_proto_http"):
        for point in entry_points(group=f"opentelemetry_{what}_exporter", name=wanted):
            return point.load()()
    raise InvalidInput(
        f"SAGENTS_TRACING=otel: there is no exporter {name!r} for {what}. `pip install "
        "opentelemetry-exporter-otlp-proto-http` brings otlp; "
        f"{variable}=console prints, {variable}=none sends nothing."
    )
