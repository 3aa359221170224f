"""What SAGENTS_TRACING brings in, and that nothing comes in without it."""

import os
import subprocess
import sys
from typing import Any

import pytest
from temporalio.client import Client

from sagents.errors import InvalidInput
from sagents_infra import telemetry
from sagents_infra.settings import Settings

WIRING = "import sys; import sagents_infra.wiring, sagents_infra.worker, sagents.client, sagents_infra.logs\n"
LOADED = "print(*sorted(n for n in sys.modules if n.startswith(('opentelemetry', 'aws_lambda_powertools'))))"


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SAGENTS_"))}
    return subprocess.run(
        [sys.executable, "-c", code], env={**environment, **variables}, capture_output=True, text=True, timeout=60
    )


def test_doors_and_workers_load_nothing_of_it_unless_asked() -> None:
    """A cold start in Lambda pays for nothing that it does not use."""
    done = python(
        f"{WIRING}from sagents_infra.settings import Settings\n"
        f"from sagents_infra import telemetry\nassert telemetry.of_client(Settings()) == []\n{LOADED}"
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_without_the_extra_the_setting_says_what_is_missing() -> None:
    """The rest works without OpenTelemetry's SDK."""
    code = (
        f"{WIRING}sys.modules['opentelemetry.sdk'] = None\n"
        "from sagents_infra import telemetry\nfrom sagents_infra.settings import Settings\n"
        "telemetry.flush()\n"
        "try: telemetry.of_client(Settings())\nexcept Exception as error: print(type(error).__name__, error)"
    )
    done = python(code, SAGENTS_TRACING="otel")
    assert done.stdout.startswith("InvalidInput SAGENTS_TRACING=otel needs `pip install sagents[otel]`")


def test_what_is_no_kind_of_tracing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="otel, or nothing"):
        telemetry.of_client(Settings(tracing="xray"))


def test_spans_and_metrics_go_where_opentelemetrys_variables_say() -> None:
    """The console, here; `flush` sends what waits."""
    code = (
        f"{WIRING}from sagents import telemetry as events\nfrom sagents_infra import telemetry\n"
        "from sagents_infra.settings import Settings\n"
        "from sagents.measuring import Measured\nfrom sagents.plan import AgentRef\n"
        "from datetime import datetime, UTC\nfrom opentelemetry import trace\n"
        "(one,) = telemetry.of_client(Settings()); assert telemetry.of_client(Settings()) == [one]\n"
        "trace.get_tracer('app').start_span('hello').end()\n"
        "Measured(AgentRef(agent_id='a', name='desk'), lambda: datetime.now(UTC))(events.AGENT_STOP)\n"
        "telemetry.flush()"
    )
    done = python(code, SAGENTS_TRACING="otel", OTEL_TRACES_EXPORTER="console", OTEL_METRICS_EXPORTER="console")
    assert '"name": "hello"' in done.stdout, done.stderr
    assert '"name": "sagents.agents.stopped"' in done.stdout
    assert '"service.name": "sagents"' in done.stdout


def test_an_exporter_that_is_not_installed_is_named() -> None:
    code = (
        f"{WIRING}from sagents_infra import telemetry\nfrom sagents_infra.settings import Settings\n"
        "try: telemetry.of_client(Settings())\nexcept Exception as error: print(type(error).__name__, error)"
    )
    done = python(code, SAGENTS_TRACING="otel", OTEL_TRACES_EXPORTER="carrier_pigeon")
    assert done.stdout.startswith("InvalidInput SAGENTS_TRACING=otel: there is no exporter 'carrier_pigeon' for traces")


@pytest.mark.asyncio
async def test_a_client_that_is_not_traced_has_an_untraced_worker(temporal_server: Any) -> None:
    client = await Client.connect(temporal_server.address)
    kit: Any = None
    assert telemetry.of_worker(client, kit) == []
