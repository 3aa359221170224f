"""What `docs/telemetry.md` lists is what there is, and its code works as it is written there."""

import re
from pathlib import Path
from typing import Any

import pytest

from sagents import telemetry
from sagents.measuring import Measured
from sagents.plan import AgentRef
from sagents_infra.telemetry import figures, meters
from tests.infra.telemetry.test_metrics import NOW

PAGE = (Path(__file__).resolve().parents[2] / "docs/telemetry.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def first_cells() -> list[str]:
    """The first cells of all tables, sign by sign of code."""
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("|")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_metric_is_listed() -> None:
    there_are = {*meters.COUNTERS, *meters.HISTOGRAMS, figures.WAITING, figures.OLDEST}
    assert there_are <= set(first_cells())


def test_every_event_is_listed() -> None:
    """L-67, L-68."""
    task = [".completed", ".failed"]
    listed = {name for name in first_cells() if name not in task}
    told = {".".join(event) for event in telemetry.EVENTS} - {f"sagents.middleware.task{end}" for end in task}
    assert told <= listed


def test_the_handler_of_the_page_hears_what_it_asked_for() -> None:
    names: dict[str, Any] = {}
    exec(next(block for block in BLOCKS if "attach_many" in block), names)
    try:
        Measured(AgentRef(agent_id="a", name="desk"), lambda: NOW)(telemetry.TOOL_STOP, tool="look", duration_ms=5)
        assert names["slow"] == [("sagents.tool.stop", 5, "desk")]
    finally:
        telemetry.detach("my-metrics")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_code_of_the_page_is_python(number: int) -> None:
    compile(BLOCKS[number], "docs/telemetry.md", "exec")
