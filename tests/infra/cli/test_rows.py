"""Transcripts as people read them on a terminal."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sagents.display import ContentType, DisplayMessage, MessageType, RowStatus
from sagents.events import Event
from sagents.ports import News
from sagents_infra.cli import transcripts
from sagents_infra.cli.drawing_rows import rows_table
from sagents_infra.cli.output import console
from sagents_infra.stores.memory import MemoryStore
from tests.client.waiting import out_of_reach
from tests.infra.cli.conftest import Run

AT = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)


def row(kind: ContentType, who: MessageType = MessageType.ASSISTANT, **more: Any) -> DisplayMessage:
    return DisplayMessage(**{"id": "r", "message_type": who, "content_type": kind, "at": AT, **more})


def lines(*rows: DisplayMessage) -> list[str]:
    terminal = console()
    with terminal.capture() as captured:
        terminal.print(rows_table(rows))
    return [line.rstrip() for line in captured.get().splitlines()[1:]]


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        (row(ContentType.TEXT, content={"text": "Hello [b]x[/b]"}), "Hello [b]x[/b]"),
        (row(ContentType.TEXT, content={"text": "As I"}, metadata={"stop_reason": "length"}), "As I … (length)"),
        (
            row(
                ContentType.TOOL_CALL,
                content={"name": "refund", "arguments": {"order": "7"}},
                status=RowStatus.CANCELLED,
                metadata={"hitl_decision": "rejected"},
            ),
            '⊘ refund(order="7")  (rejected)',
        ),
        (row(ContentType.TOOL_RESULT, content={"text": "a\nb"}), "a b"),
        (row(ContentType.ERROR, content={"text": "no credit"}), "✗ no credit"),
        (row(ContentType.TODO_SNAPSHOT, content={"todos": [{"content": "x", "status": "completed"}]}), "☑ x"),
        (row(ContentType.IMAGE, content={"content": "https://a/b.png"}), "[image] https://a/b.png"),
    ],
    ids=["text", "cut", "call", "result", "error", "todos", "image"],
)
def test_each_kind_of_row_reads_well(shown: DisplayMessage, what: str) -> None:
    (line,) = lines(shown)
    assert line.endswith(what)


def test_nothing_that_a_terminal_obeys_is_printed() -> None:
    (line,) = lines(row(ContentType.TEXT, content={"text": "a\x1b[2Jb"}))
    assert "\x1b" not in line


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transcript of three rows in a store, behind a Temporal that is away."""

    def connected(work: Any, store_is_enough: bool) -> Any:
        async def run() -> Any:
            store = MemoryStore()
            await store.take_over("a", "run", 0)
            for number in range(1, 4):
                said = row(ContentType.TEXT, MessageType.USER, id=f"m{number}", content={"text": f"Row {number}"})
                event = Event(agent_id="a", type="display_message_saved", at=AT)
                await store.append("a", [News(slot=said.id, event=event, row=said)], "run")
            return await work(await out_of_reach(store))

        return asyncio.run(run())

    monkeypatch.setattr(transcripts, "connected", connected)


@pytest.mark.usefixtures("stored")
def test_a_page_says_how_to_get_the_one_before(sagents: Run, home: Path) -> None:
    """B-118."""
    page = sagents("rows", "a", "--limit", "2")
    assert page.exit_code == 0, page.output
    assert "Row 2" in page.stdout
    assert "Row 1" not in page.stdout
    assert page.stdout.splitlines()[-1] == "earlier ones: sagents rows a --before 2"
    assert "Row 1" in sagents("rows", "a", "--before", "2").stdout


@pytest.mark.usefixtures("stored")
def test_programs_get_whole_rows(sagents: Run, home: Path) -> None:
    (found,) = json.loads(sagents("rows", "a", "--search", "ROW 3", "--json").stdout)
    assert (found["number"], found["content_type"], found["status"]) == (3, "text", "completed")


def test_numbers_are_numbers(sagents: Run, home: Path) -> None:
    assert sagents("rows", "a", "--limit", "0").exit_code == 2
