"""The commands of docs/cli.md and docs/data.md for whoever has nothing but Temporal's own command line."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagents.contract import ASK_AGAIN
from sagents_infra.dev_server import temporal_cli
from tests.e2e.house import House

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [(DOCS / name).read_text(encoding="utf-8") for name in ("cli.md", "data.md")]
COMMANDS = re.findall(r"^temporal workflow .*$", "\n".join(PAGES), re.MULTILINE)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path).start()
    yield house
    house.end()


def _run(house: House, part: str) -> "subprocess.CompletedProcess[str]":
    """The one command of the pages that has `part` in it, as it is written there but for the agent's name."""
    (command,) = [command for command in COMMANDS if part in command]
    return _temporal(house, *shlex.split(command.replace('"helper"', '"desk"'))[1:])


def _temporal(house: House, *words: str) -> "subprocess.CompletedProcess[str]":
    given = {**os.environ, "TEMPORAL_ADDRESS": f"127.0.0.1:{house.port}"}
    return subprocess.run([temporal_cli(), *words], env=given, capture_output=True, text=True, timeout=30, check=False)


def _does(house: House, part: str) -> str:
    done = _run(house, part)
    for _ in range(20):
        if ASK_AGAIN not in done.stderr:
            break
        done = _run(house, part)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_agent_is_started_spoken_to_asked_and_answered(house: House) -> None:
    _does(house, "workflow start ")
    _does(house, "--name add_message")
    house.until(lambda: "idle" in _does(house, "--type status"))
    assert "Hello there." in _does(house, "--type messages")
    _does(house, "--name add_message")
    house.until(lambda: "interrupted" in _does(house, "--type status"))
    assert "--name resume" in _does(house, "--type interrupts")
    house.until(lambda: "conversation-7" in _does(house, 'AgentStatus = "interrupted"'))
    refused = _run(house, "--name cancel")
    assert refused.returncode == 1
    assert "Cannot cancel, server is not running (status: interrupted)" in refused.stderr
    _does(house, "--name resume")
    house.until(lambda: "idle" in _does(house, "--type status"))
    assert "refunded 7" in _does(house, "--type messages")


def test_an_agent_is_looked_at_listed_cancelled_stopped_and_woken(house: House) -> None:
    """L-28, L-29, L-41, L-43, L-63: whoever looks counts, what runs can be cancelled, and a message wakes who left."""
    _does(house, "workflow start ")
    house.until(lambda: "conversation-7" in _does(house, 'ExecutionStatus = "Running"'))
    _does(house, "--name viewer_joined")
    house.until(lambda: '"viewer":"ann"' in _does(house, "--type info").replace(" ", ""))
    _does(house, "--name viewer_left")
    house.until(lambda: '"viewer":"ann"' not in _does(house, "--type info").replace(" ", ""))
    _does(house, "--name add_message")
    house.until(lambda: "idle" in _does(house, "--type status"))
    _does(house, "--name add_message")
    house.until(lambda: "interrupted" in _does(house, "--type status"))
    _does(house, "--name resume")
    house.until(lambda: "idle" in _does(house, "--type status"))
    _does(house, "--name add_message")
    house.until(lambda: "running" in _does(house, "--type status"))
    assert "cancelled" in _does(house, "--name cancel")
    house.until(lambda: "cancelled" in _does(house, "--type status"))
    _does(house, "--name stop")
    house.until(lambda: "conversation-7" not in _does(house, 'ExecutionStatus = "Running"'))
    _does(house, "signal-with-start")
    house.until(lambda: "Never mind." in _does(house, "--type messages"))
    assert "Hello there." in _does(house, "--type messages")


def test_a_conversation_is_erased_from_the_store_and_from_temporal(house: House) -> None:
    """All workflow runs of it: the one that was stopped, and the one that was woken."""
    _does(house, "workflow start ")
    _does(house, "--name add_message")
    house.until(lambda: "Hello there." in _does(house, "--type messages"))
    _does(house, "--name stop")
    assert _temporal(house, "workflow", "result", "--workflow-id", "conversation-7").returncode == 0
    _does(house, "signal-with-start")
    house.until(lambda: "interrupted" in _does(house, "--type status"))
    house.sagents("delete", "conversation-7", "--yes")
    house.until(lambda: _runs(house) == 2)
    _does(house, "workflow delete")
    house.until(lambda: _runs(house) == 0)
    assert _temporal(house, "workflow", "show", "--workflow-id", "conversation-7").returncode == 1
    assert "not_running" in house.sagents("status", "conversation-7")
    house.sagents("send", "conversation-7", "Still there?", expect=3)


def _runs(house: House) -> int:
    """How many workflow runs of the conversation Temporal lists."""
    listed = _temporal(house, "workflow", "list", "--query", 'WorkflowId = "conversation-7"', "--output", "json")
    assert listed.returncode == 0, listed.stderr
    return len(json.loads(listed.stdout or "[]"))
