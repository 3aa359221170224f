"""What the store alone knows is told while Temporal is away; what needs Temporal says so."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sagents.display import DisplayMessage, MessageType
from sagents.events import Event
from sagents.ports import News
from sagents_infra.dev_server import free_port
from sagents_infra.stores import SqliteStore
from tests.infra.cli.conftest import Run

AT = datetime(2026, 1, 1, tzinfo=UTC)
SAVED = Event(agent_id="conversation-1", type="display_message_saved", at=AT)
SAID = DisplayMessage(id="m1", message_type=MessageType.USER, content={"text": "Hello there"}, at=AT)


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch, sagents: Run) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["ls"], "nothing waits for people"),
        (["rules", "ls"], "no decision is remembered"),
        (["verify", "--all"], "no agent has a log of decisions"),
    ],
    ids=["ls", "rules ls", "verify"],
)
def test_approvals_are_read_without_temporal(sagents: Run, typed: list[str], told: str) -> None:
    """E-58."""
    result = sagents("approvals", *typed)
    assert (result.exit_code, result.stderr) == (0, "")
    assert told in result.stdout
    assert json.loads(sagents("approvals", *typed, "--json").stdout) == []


def test_an_approval_that_nobody_knows_is_unknown_also_without_temporal(sagents: Run) -> None:
    result = sagents("approvals", "show", "abc")
    assert result.exit_code == 3
    assert "abc" in result.stderr


def test_deciding_needs_temporal_and_says_so(sagents: Run) -> None:
    result = sagents("approvals", "approve", "abc", "--as", "ann")
    assert result.exit_code == 4
    assert "does not answer" in result.stderr


def test_a_transcript_is_read_without_temporal(sagents: Run, home: Path) -> None:
    asyncio.run(_say(home / ".sagents/store.db"))
    result = sagents("rows", "conversation-1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Hello there" in result.stdout


async def _say(path: Path) -> None:
    store = SqliteStore(path)
    await store.take_over("conversation-1", "run", 0)
    await store.append("conversation-1", [News(slot="m1", event=SAVED, row=SAID)], "run")
    store.close()
