"""`sagents schedule`, on a real server."""

import json
from uuid import uuid4

import pytest

from sagents_infra.dev_server import DevServer
from tests.infra.cli.conftest import Run


@pytest.fixture
def name(temporal_server: DevServer, monkeypatch: pytest.MonkeyPatch, sagents: Run) -> str:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    return f"daily-{uuid4().hex[:8]}"


def listed(sagents: Run, name: str) -> list[dict[str, object]]:
    return [found for found in json.loads(sagents("schedule", "ls", "--json").stdout) if found["name"] == name]


def test_schedule_is_made_listed_with_its_next_time_and_ended(sagents: Run, name: str) -> None:
    made = sagents("schedule", "create", name, "-m", "What is new?", "--agent", "helper", "--cron", "0 9 * * 1-5")
    assert made.exit_code == 0, made.stderr
    found = next(filter(None, (listed(sagents, name) for _ in range(100))))  # visibility is a moment late
    assert (found[0]["agent_id"], found[0]["text"]) == (f"conversation-{name}", "What is new?")
    assert "T09:00:00" in str(found[0]["next_at"])
    assert sagents("schedule", "delete", name).exit_code == 0
    again = sagents("schedule", "delete", name)
    assert again.exit_code == 1
    assert "no schedule" in again.stderr


def test_name_that_is_taken_is_refused_and_the_first_one_stays(sagents: Run, name: str) -> None:
    assert sagents("schedule", "create", name, "-m", "one", "--every", "1d").exit_code == 0
    refused = sagents("schedule", "create", name, "-m", "two", "--every", "1h")
    assert refused.exit_code == 2
    assert f"sagents schedule delete {name}" in refused.stderr
    assert sagents("schedule", "delete", name).exit_code == 0


@pytest.mark.parametrize(
    "when",
    [[], ["--every", "1h", "--cron", "0 9 * * *"], ["--every", "soon"], ["--cron", "at nine"]],
    ids=["never", "both", "no time", "no cron"],
)
def test_times_that_are_none_are_refused(sagents: Run, name: str, when: list[str]) -> None:
    refused = sagents("schedule", "create", name, "-m", "one", *when)
    assert refused.exit_code == 2, refused.stderr
