"""The client's side of tracing: Temporal's own interceptor, with which the kernel's trace begins at the request."""

from typing import Any

from opentelemetry.trace import TracerProvider, get_tracer_provider
from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowUpdateHandle,
)
from temporalio.contrib.opentelemetry import TracingInterceptor

from sagents import contract
from sagents_activities.kit import Kit
from sagents_infra.telemetry.activities import TracedWorker
from sagents_infra.telemetry.spans import Spans

PRESENCE = frozenset({contract.TOUCH, contract.VIEWER_JOINED, contract.VIEWER_LEFT})
"""Updates that doors send by themselves, again and again."""


class TracedClient(Interceptor):
    """Spans of what is asked of agents, and headers with which their answer joins the trace."""

    def __init__(self, provider: TracerProvider | None, *, contents: bool) -> None:
        self._spans = Spans(provider or get_tracer_provider(), contents)

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Telling(next, TracingInterceptor(self._spans.tracer).intercept_client(next))

    def on_worker(self, kit: Kit) -> TracedWorker:
        """The other side, for a worker of this client's."""
        return TracedWorker(self._spans, kit)


class _Telling(OutboundInterceptor):
    """Traces what tells an agent something, not what only looks: pages ask several times a second."""

    def __init__(self, plain: OutboundInterceptor, traced: OutboundInterceptor) -> None:
        super().__init__(traced)
        self._plain = plain

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        return await self._plain.query_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        if input.update in PRESENCE:
            return await self._plain.start_workflow_update(input)
        return await super().start_workflow_update(input)
