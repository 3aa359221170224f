"""What telemetry hears of a run that waits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sagents import telemetry
from sagents.head import Head, Latest, Phase, Run
from sagents.interrupts import Interrupt
from sagents.measuring import Measured
from sagents.plan import AgentRef, RunSpec, SaveReason, SaveRequest
from sagents_activities.measures import saved_because

AGENT = AgentRef(agent_id="a")


@pytest.fixture
def heard() -> Iterator[list[tuple[telemetry.EventName, Any]]]:
    """The events that tell of waiting, each with its reason."""
    told: list[tuple[telemetry.EventName, Any]] = []
    events = [telemetry.EXECUTION_INTERRUPT, telemetry.AGENT_HALT]
    telemetry.attach_many("measures", events, lambda event, _, about, __: told.append((event, about["reason"])))
    yield told
    telemetry.detach("measures")


def save_over(*reasons: str) -> None:
    interrupts = tuple(Interrupt(id=str(number), reason=reason) for number, reason in enumerate(reasons))
    run = Run(spec=RunSpec(id="run-1"))
    head = Head(agent=AGENT, phase=Phase.MODEL, run=run, latest=Latest(run_id="run-1"), interrupts=interrupts)
    request = SaveRequest(agent_id="a", seq=1, reason=SaveReason.INTERRUPT)
    saved_because(Measured(AGENT, lambda: datetime(2025, 1, 1, tzinfo=UTC)), head, request)


@pytest.mark.parametrize("reasons", [("halt",), ("input_required", "halt")])
def test_a_halt_is_counted_wherever_it_stands_among_the_questions(heard: list[Any], reasons: tuple[str, ...]) -> None:
    """B-96, L-68."""
    save_over(*reasons)
    assert heard == [(telemetry.EXECUTION_INTERRUPT, "halt"), (telemetry.AGENT_HALT, "halt")]


def test_other_questions_are_no_halt(heard: list[Any]) -> None:
    """L-67."""
    save_over("tool_call", "input_required")
    save_over()
    assert heard == [(telemetry.EXECUTION_INTERRUPT, "tool_call")]
