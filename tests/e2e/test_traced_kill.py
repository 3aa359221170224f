"""A trace goes on in another process, where a worker was killed (B-135, K-1)."""

import json
from pathlib import Path
from typing import Any

import pytest

from sagents.status import Status
from sagents_infra.dev_server import DevServer
from tests.support.errands import Day

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

STEPS = ["chat thinks", "execute_tool pay", "execute_tool shred", "step 1", "step 2"]


def spans(log: str) -> list[dict[str, Any]]:
    """What the console exporter has printed between other lines."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := log.find('{\n    "name"', at)) >= 0:
        try:
            span, at = decoder.raw_decode(log, at)
        except ValueError:
            break  # it is being written, or was when the process was killed
        found.append(span)
    return found


async def test_one_trace_of_a_run_that_two_workers_have_worked_on(temporal_server: DevServer, tmp_path: Path) -> None:
    """Each span is made by one of them, and all point to a span that was made at the end."""
    async with Day.begin(temporal_server.address, tmp_path, module="tests.support.apps.traced_errands") as day:

        async def exported(name: str) -> bool:
            return any(span["name"] == name for span in spans(day.workers.log.read_text()))

        await day.insist(lambda: day.server.start("errands", agent_id=day.agent_id))
        await day.tell("two")
        await day.reaches(Status.INTERRUPTED)
        await day.until(lambda: exported("step 1"))
        day.workers.kill()
        await day.approve()
        await day.reaches(Status.IDLE)
        await day.until(lambda: exported("invoke_agent errands"))
        assert day.workers.killed == 1
        made = spans(day.workers.log.read_text())
    assert len({span["context"]["trace_id"] for span in made}) == 1
    (run,) = [span for span in made if span["name"] == "invoke_agent errands"]
    below = [span for span in made if span["parent_id"] == run["context"]["span_id"]]
    assert sorted({span["name"] for span in made if span is not run}) == STEPS
    assert sorted(span["name"] for span in below) == STEPS[1:]
    assert run["parent_id"] is None
    assert run["start_time"] <= min(span["start_time"] for span in below)
