"""What is counted and measured, by OpenTelemetry and for CloudWatch (B-135, L-67)."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from sagents import telemetry as events
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt
from sagents.measuring import Measured
from sagents.plan import AgentRef
from sagents.ports import Save
from sagents_infra import telemetry
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.telemetry import figures, meters

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def reader() -> Iterator[InMemoryMetricReader]:
    """Reads what is counted while a test runs."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    counted = telemetry.metrics(provider)
    yield reader
    counted.close()
    provider.shutdown()


def values(reader: InMemoryMetricReader) -> dict[str, list[tuple[dict[str, Any], float]]]:
    """Dimensions and values by the metrics' names; of a histogram its sum."""
    found: dict[str, list[tuple[dict[str, Any], float]]] = {}
    data = reader.get_metrics_data()
    for metric in [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []:
        for point in metric.data.data_points:
            value = point.value if hasattr(point, "value") else point.sum
            found.setdefault(metric.name, []).append((dict(point.attributes or {}), value))
    return found


def happen() -> None:
    """A short life, told."""
    tell = Measured(AgentRef(agent_id="a-1", name="desk"), lambda: NOW, "run-1")
    tell(events.AGENT_START, restored=False)
    tell(events.LLM_ERROR, model="openai:gpt", attempt=1, kind="retry", error="busy", will_retry=True, duration_ms=100)
    tell(events.LLM_RESPONSE, model="openai:gpt", attempt=2, input_tokens=30, output_tokens=7, duration_ms=900)
    tell(events.TOOL_STOP, tool="look", tool_call_id="c", attempt=1, status="failed", error="no", duration_ms=50)
    tell(events.TOOL_STOP, tool="look", tool_call_id="d", attempt=1, status="completed", duration_ms=150)
    tell(events.EXECUTION_INTERRUPT, reason="tool_call", status="interrupted", duration_ms=1_000)
    tell(events.EXECUTION_STOP, reason="finished", status="idle", error=None, duration_ms=4_000)
    tell(events.AGENT_STOP, status="idle", reason="bye for today", duration_ms=9_000)


def test_a_life_is_counted(reader: InMemoryMetricReader) -> None:
    """Ids are in no dimension, and neither is what people have written."""
    happen()
    counted, desk = values(reader), {"gen_ai.agent.name": "desk"}
    model = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt"}
    assert counted["sagents.runs"] == [({**desk, "sagents.run.outcome": "finished"}, 1)]
    assert counted["sagents.run.duration"] == [({**desk, "sagents.run.outcome": "finished"}, 4.0)]
    assert counted["sagents.agents.started"] == [({**desk, "sagents.restored": "false"}, 1)]
    assert counted["sagents.agents.stopped"] == counted["sagents.interrupts"] == [(desk, 1)]
    assert counted["sagents.tool.failures"] == [({**desk, "gen_ai.tool.name": "look"}, 1)]
    assert sorted(value for _, value in counted["sagents.tool.duration"]) == [0.05, 0.15]
    assert counted["sagents.model.errors"] == [({**desk, **model, "error.type": "model_retry"}, 1)]
    tokens = {attributes["gen_ai.token.type"]: value for attributes, value in counted["gen_ai.client.token.usage"]}
    assert tokens == {"input": 30, "output": 7}
    assert "a-1" not in str(counted)
    assert "bye" not in str(counted)


def test_closed_meters_count_no_more(reader: InMemoryMetricReader) -> None:
    other = InMemoryMetricReader()
    counted = telemetry.metrics(MeterProvider([other], shutdown_on_exit=False))
    counted.close()
    happen()
    assert values(other) == {}
    assert values(reader)


def test_every_counter_and_histogram_belongs_to_a_figure() -> None:
    assert not meters.COUNTERS.keys() & meters.HISTOGRAMS.keys()
    named = {name for name in vars(figures).values() if isinstance(name, str) and name.startswith(("sagents.", "gen_"))}
    assert named - {figures.WAITING, figures.OLDEST} == meters.COUNTERS.keys() | meters.HISTOGRAMS.keys()


async def inbox() -> MemoryStore:
    """Two agents wait, one of them for ten minutes; what has expired counts no more."""
    store, times = MemoryStore(), {"a-1": 600, "a-2": 60, "b-1": 5}
    for agent_id, seconds in times.items():
        created = datetime.now(UTC) - timedelta(seconds=seconds)
        expires = created if agent_id == "b-1" else None
        interrupt = Interrupt(id=f"i-{agent_id}", reason="tool_call", created_at=created, expires_at=expires)
        item = InboxItem(agent_id=agent_id, agent="desk", interrupt=interrupt)
        await store.take_over(agent_id, "w", 0)
        await store.save(
            Save(agent_id=agent_id, workflow_run_id="w", seq=0, head="{}", interrupts=(item.model_dump_json(),))
        )
    return store


@pytest.mark.asyncio
async def test_what_waits_for_people_is_observed_from_the_store() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    counted = telemetry.metrics(provider)
    counted.watch(await inbox())
    observed = await asyncio.to_thread(values, reader)
    counted.close()
    provider.shutdown()
    assert observed["sagents.approvals.waiting"] == [({"gen_ai.agent.name": "desk"}, 2)]
    ((_, age),) = observed["sagents.approvals.oldest"]
    assert 600 <= age < 700


@pytest.mark.asyncio
async def test_a_store_that_does_not_answer_costs_the_gauge_and_nothing_else() -> None:
    class Broken(MemoryStore):
        async def interrupts(self, agent_id: str | None = None) -> Any:
            raise OSError("no network")

    reader = InMemoryMetricReader()
    counted = telemetry.metrics(MeterProvider([reader], shutdown_on_exit=False))
    counted.watch(Broken())
    assert await asyncio.to_thread(values, reader) == {}
    counted.close()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_cloudwatch_reads_the_same_from_the_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """EMF: one line for each set of dimensions."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)
    counted = telemetry.emf_metrics()
    happen()
    counted.close()
    happen()
    run = next(line for line in lines(capsys) if "sagents.runs" in line)
    assert run.pop("_aws")["CloudWatchMetrics"] == [
        {
            "Namespace": "Sagents",
            "Dimensions": [["gen_ai.agent.name", "sagents.run.outcome"]],
            "Metrics": [
                {"Name": "sagents.runs", "Unit": "Count"},
                {"Name": "sagents.run.duration", "Unit": "Seconds"},
            ],
        }
    ]
    assert run == {
        "gen_ai.agent.name": "desk",
        "sagents.run.outcome": "finished",
        "sagents.runs": [1],
        "sagents.run.duration": [4.0],
    }


@pytest.mark.asyncio
async def test_cloudwatch_is_told_what_waits_when_a_schedule_asks(capsys: pytest.CaptureFixture[str]) -> None:
    counted = telemetry.emf_metrics("Office")
    await counted.waiting(await inbox())
    counted.close()
    (line,) = lines(capsys)
    assert line["sagents.approvals.waiting"] == [2]
    assert line["sagents.approvals.oldest"][0] >= 600
