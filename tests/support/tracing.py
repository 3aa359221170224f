"""Spans as a tree, from an exporter in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler
from temporalio.client import Client

from sagents.app import Sagents
from sagents_infra import telemetry
from sagents_infra.testing import AgentEnv

Tree = dict[str, Any]


@dataclass
class Traced:
    """A tracer provider of one test's own, and what it has exported."""

    provider: TracerProvider
    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    @classmethod
    def new(cls, sampler: Sampler | None = None) -> "Traced":
        traced = cls(TracerProvider(sampler=sampler, shutdown_on_exit=False))
        traced.provider.add_span_processor(SimpleSpanProcessor(traced.exporter))
        return traced

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """All spans with this name, in the order in which they ended."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span

    def tree(self, trace_id: int | None = None) -> Tree:
        """Names below names, by when they began; whose parent is not there stands on top, behind a question mark."""
        spans = [span for span in self.spans if trace_id is None or context(span).trace_id == trace_id]
        ids = {context(span).span_id for span in spans}
        roots = [span for span in spans if span.parent is None or span.parent.span_id not in ids]
        return {f"{'?' if span.parent else ''}{name}": tree for span in roots for name, tree in below([span], spans)}

    @property
    def traces(self) -> set[int]:
        return {context(span).trace_id for span in self.spans}


def below(level: Sequence[ReadableSpan], spans: Sequence[ReadableSpan]) -> list[tuple[str, Tree]]:
    found: list[tuple[str, Tree]] = []
    for span in sorted(level, key=lambda one: one.start_time or 0):
        children = [one for one in spans if one.parent and one.parent.span_id == context(span).span_id]
        found.append((span.name, dict(below(children, spans))))
    return found


def context(span: ReadableSpan) -> Any:
    assert span.context is not None
    return span.context


def client_of(client: Client, traced: Traced, *, contents: bool = False) -> Client:
    """The same client, traced."""
    config = client.config()
    config["interceptors"] = [telemetry.tracing(traced.provider, contents=contents)]
    return Client(**config)


@asynccontextmanager
async def traced_env(
    agent_env: Any, app: Sagents, traced: Traced, *, contents: bool = False, worker: bool = True, **options: Any
) -> AsyncIterator[AgentEnv]:
    """Agents whose client and worker are traced."""
    async with agent_env(app, worker=False, **options) as env:
        env.client = client_of(env.client, traced, contents=contents)
        if not worker:
            yield env
            return
        async with env.worker():
            yield env
