"""Traces and metrics of agents (docs/telemetry.md). Nothing of OpenTelemetry or AWS is imported before it is asked for.

    client = await Client.connect(address, interceptors=[telemetry.tracing()])   # and of its workers
    telemetry.metrics()

`SAGENTS_TRACING=otel` does both for `AgentServer.connect()`, `sagents worker` and `sagents dev`.
"""

import sys
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sagents.errors import InvalidInput

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
    from temporalio.client import Client
    from temporalio.client import Interceptor as ClientInterceptor
    from temporalio.worker import Interceptor

    from sagents.ports import Store
    from sagents_activities.kit import Kit
    from sagents_infra.settings import Settings
    from sagents_infra.telemetry.client_side import TracedClient
    from sagents_infra.telemetry.emf import EmfMetrics
    from sagents_infra.telemetry.meters import Meters

__all__ = ["Traced", "emf_metrics", "flush", "metrics", "of_client", "of_worker", "tracing", "watch"]


@runtime_checkable
class Traced(Protocol):
    """A client's interceptor that has another side."""

    def on_worker(self, kit: "Kit") -> "Interceptor": ...


def tracing(provider: "TracerProvider | None" = None, *, contents: bool = False) -> "TracedClient":
    """An interceptor for `Client.connect(interceptors=[...])`, which traces that client, its workers and their agents.

    Spans go to `provider`, a tracer provider of OpenTelemetry's SDK, by default the global one as it is now. With
    `contents` they show what models and tools said. Needs `sagents[otel]`.
    """
    from sagents_infra.telemetry.client_side import TracedClient

    return TracedClient(provider, contents=contents)


def metrics(provider: "MeterProvider | None" = None) -> "Meters":
    """Count and measure what agents of this process do, until `close()`; `watch(store)` observes what waits for people.

    Values go to `provider`, a meter provider, by default the global one as it is now. Needs `sagents[otel]`.
    """
    from sagents_infra.telemetry.meters import Meters

    return Meters(provider)


def emf_metrics(namespace: str | None = None) -> "EmfMetrics":
    """The same for CloudWatch: lines of a Lambda function's log, which need no request. Needs `sagents[aws]`."""
    from sagents_infra.telemetry.emf import EmfMetrics

    return EmfMetrics(namespace)


def flush() -> None:
    """Send what waits to be sent: at the end of a Lambda function's invocation, before it freezes."""
    if (providers := sys.modules.get("sagents_infra.telemetry.providers")) is not None:
        providers.flush()


def of_client(settings: "Settings") -> "list[ClientInterceptor]":
    """What a client needs as these settings want it. `InvalidInput` where they want what there is not."""
    if not settings.tracing:
        return []
    if settings.tracing != "otel":
        raise InvalidInput(f"SAGENTS_TRACING is {settings.tracing!r}; it has to be otel, or nothing.")
    try:
        from sagents_infra.telemetry.providers import by_environment
    except ModuleNotFoundError as error:
        raise InvalidInput(f"SAGENTS_TRACING=otel needs `pip install sagents[otel]` ({error}).") from error
    client, _ = by_environment(settings.tracing_contents)
    return [client]


def of_worker(client: "Client", kit: "Kit") -> "list[Interceptor]":
    """What a worker of this client needs besides, where the client is traced."""
    return [one.on_worker(kit) for one in client.config()["interceptors"] if isinstance(one, Traced)]


def watch(settings: "Settings", store: "Store") -> None:
    """Observe what waits for people in this store, where these settings want metrics."""
    if settings.tracing:
        from sagents_infra.telemetry.providers import by_environment

        _, meters = by_environment(settings.tracing_contents)
        meters.watch(store)
