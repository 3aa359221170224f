"""What there is to count and to measure, from what telemetry tells: the same for OpenTelemetry and for CloudWatch.

Dimensions have few values each: names of agents, models and tools, and words of ours; never an id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sagents import telemetry
from sagents.telemetry import EventName
from sagents_infra.telemetry import naming


class Kind(StrEnum):
    """How a figure is added up."""

    COUNT = "count"
    TOKENS = "tokens"
    SECONDS = "seconds"


@dataclass(frozen=True)
class Figure:
    """One value of one metric."""

    name: str
    value: float = 1
    kind: Kind = Kind.COUNT
    dimensions: Mapping[str, str] = field(default_factory=dict)


RUNS = "sagents.runs"
RUN_DURATION = "sagents.run.duration"
CRASHES = "sagents.crashes"
INTERRUPTS = "sagents.interrupts"
AGENTS_STARTED = "sagents.agents.started"
AGENTS_STOPPED = "sagents.agents.stopped"
MODEL_ERRORS = "sagents.model.errors"
TOOL_FAILURES = "sagents.tool.failures"
TOOL_DURATION = "sagents.tool.duration"
TOKENS = "gen_ai.client.token.usage"
MODEL_DURATION = "gen_ai.client.operation.duration"
WAITING = "sagents.approvals.waiting"
OLDEST = "sagents.approvals.oldest"

EVENTS = (
    *(telemetry.AGENT_START, telemetry.AGENT_STOP, telemetry.AGENT_CRASH),
    *(telemetry.EXECUTION_STOP, telemetry.EXECUTION_INTERRUPT),
    *(telemetry.LLM_RESPONSE, telemetry.LLM_ERROR, telemetry.TOOL_STOP),
)

Values = Mapping[str, Any]


def figures(event: EventName, measurements: Values, metadata: Values) -> Iterator[Figure]:
    """The figures of one event."""
    agent = {naming.AGENT_NAME: str(metadata.get("agent", ""))}
    match event:
        case telemetry.AGENT_START:
            yield Figure(AGENTS_STARTED, dimensions={**agent, "sagents.restored": _word(metadata["restored"])})
        case telemetry.AGENT_STOP:
            yield Figure(AGENTS_STOPPED, dimensions=agent)  # its reason may be anybody's own words
        case telemetry.AGENT_CRASH:
            yield Figure(CRASHES, dimensions=agent)
        case telemetry.EXECUTION_INTERRUPT:
            yield Figure(INTERRUPTS, dimensions=agent)
        case telemetry.EXECUTION_STOP:
            ended = {**agent, "sagents.run.outcome": str(metadata["reason"])}
            yield Figure(RUNS, dimensions=ended)
            yield from _duration(RUN_DURATION, measurements, ended)
        case telemetry.TOOL_STOP:
            yield from _of_tool(measurements, metadata, agent)
        case _:
            yield from _of_model(measurements, metadata, agent)


def _of_tool(measurements: Values, metadata: Values, agent: dict[str, str]) -> Iterator[Figure]:
    tool = {**agent, naming.TOOL: str(metadata["tool"])}
    if metadata["status"] == "failed":
        yield Figure(TOOL_FAILURES, dimensions=tool)
    yield from _duration(TOOL_DURATION, measurements, {**tool, "sagents.tool.status": str(metadata["status"])})


def _of_model(measurements: Values, metadata: Values, agent: dict[str, str]) -> Iterator[Figure]:
    model = {name: str(value) for name, value in naming.of_model(metadata["model"]).items()}
    asked = {**agent, naming.OPERATION: "chat", **model}
    error = {naming.ERROR: f"model_{metadata['kind']}"} if "kind" in metadata else {}
    if error:
        yield Figure(MODEL_ERRORS, dimensions={**asked, **error})
    yield from _duration(MODEL_DURATION, measurements, {**asked, **error})
    for token in ("input", "output"):
        if count := measurements.get(f"{token}_tokens"):
            yield Figure(TOKENS, count, Kind.TOKENS, {**asked, naming.TOKEN_TYPE: token})


def _duration(name: str, measurements: Values, dimensions: dict[str, str]) -> Iterator[Figure]:
    if "duration_ms" in measurements:
        yield Figure(name, measurements["duration_ms"] / 1000, Kind.SECONDS, dimensions)


def _word(value: object) -> str:
    return "true" if value else "false"
