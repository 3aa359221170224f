"""Histories of agents that lived with an earlier kernel: this one would have done the same (DESIGN 4.6).

`python -m tests.replay.record` records another scenario; no server is needed here.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory

from sagents_workflows import AgentWorkflow, SubAgentWorkflow
from tests.replay.changed_kernel import ChangedSubAgentWorkflow, ChangedWorkflow
from tests.replay.record import HISTORIES, SCENARIOS
from tests.support.replaying import replayer

pytestmark = pytest.mark.asyncio

RECORDED = sorted(HISTORIES.glob("*.json"))


def history(file: Path) -> WorkflowHistory:
    """Under its own id: those of sub-agents derive from it."""
    first = json.loads(file.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(first.get("workflowId", file.name), file.read_text())


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    await replayer(AgentWorkflow, SubAgentWorkflow).replay_workflow(history(file))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_a_kernel_that_did_something_else_would_be_caught(file: Path) -> None:
    with pytest.raises(workflow.NondeterminismError):
        await replayer(ChangedWorkflow, ChangedSubAgentWorkflow).replay_workflow(history(file))


async def test_each_scenario_is_recorded_and_small_enough_to_be_read_without_a_store() -> None:
    assert {file.name.partition(".")[0] for file in RECORDED} == set(SCENARIOS)
    assert max(file.stat().st_size for file in RECORDED) < 100_000
    assert not [file.name for file in RECORDED if "externalpayload" in file.read_text().lower()]


def events(name: str) -> list[dict[str, Any]]:
    return [
        event
        for file in RECORDED
        if file.stem.startswith(f"{name}.")
        for event in json.loads(file.read_text())["events"]
    ]


@pytest.mark.parametrize(
    ("name", "what", "least"),
    [
        ("renewed_in_mid_run", "workflowExecutionContinuedAsNewEventAttributes", 2),
        ("renewed_while_parked", "workflowExecutionContinuedAsNewEventAttributes", 2),
        ("left_and_woken", "workflowExecutionCompletedEventAttributes", 2),
        ("left_and_woken", "timerFiredEventAttributes", 1),
        ("cancelled_in_a_stream", "activityTaskCancelRequestedEventAttributes", 1),
        ("a_store_with_a_hole", "activityTaskFailedEventAttributes", 2),
        ("went_back_to_before_a_tool", "workflowTaskFailedEventAttributes", 1),
        ("many_tools", "activityTaskScheduledEventAttributes", 12),
        ("sub_agents_report", "childWorkflowExecutionCompletedEventAttributes", 2),
        ("sub_agents_cancelled", "workflowExecutionCancelRequestedEventAttributes", 1),
        ("a_sub_agent_of_a_sub_agent_waits", "signalExternalWorkflowExecutionInitiatedEventAttributes", 3),
    ],
)
async def test_a_recording_shows_what_its_name_says(name: str, what: str, least: int) -> None:
    assert sum(what in event for event in events(name)) >= least
