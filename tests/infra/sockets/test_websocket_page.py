"""docs/websocket.md: its session is one that the protocol reads and writes, and it names every message."""

import json
import re
from pathlib import Path
from typing import Any, get_args

from sagents.connections import MOST_WATCHED
from sagents.event_types import read as read_event
from sagents.events import Event
from sagents_infra.channels.frames import LONGEST
from sagents_infra.http.problems import Problem
from sagents_infra.sockets.requests import Asked, read
from sagents_infra.sockets.tickets import VALID_FOR
from sagents_infra.sockets.viewing import LEASE

PAGE = (Path(__file__).resolve().parents[3] / "docs/websocket.md").read_text(encoding="utf-8")
SOURCES = Path(__file__).resolve().parents[3] / "infra/sagents_infra"


def lines(arrow: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in re.findall(rf"^{arrow} (.*)$", PAGE, re.MULTILINE)]


def table(heading: str) -> set[str]:
    """What stands in code in the first column."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} - {"type"}


def test_what_the_browser_of_the_page_sends_is_understood() -> None:
    sent = lines("→")
    assert {request["type"] for request in sent} == table("What a browser sends")
    for request in sent:
        assert read(json.dumps(request)).model_dump(exclude_unset=True) == request


def test_every_request_and_every_answer_is_on_the_page() -> None:
    assert {kind.model_fields["type"].annotation.__args__[0] for kind in get_args(Asked)} == table(
        "What a browser sends"
    )
    written = "".join(path.read_text(encoding="utf-8") for path in (SOURCES / "sockets").glob("*.py"))
    types = {*re.findall(r'\bmessage\(\s*"(\w+)"', written)} | {"events", "fetch"}
    assert types == table("What it hears")
    assert {answer["type"] for answer in lines("←")} <= types


def test_what_the_browser_of_the_page_hears_is_what_is_sent() -> None:
    for answer in lines("←"):
        for event in answer.get("events", ()):
            read_event(Event.model_validate(event))
        if answer["type"] == "problem":
            assert Problem.model_validate(answer["problem"]).model_dump(exclude_none=True) == answer["problem"]


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"within {VALID_FOR.seconds} seconds" in PAGE
    assert f"counts {LEASE.seconds} seconds more" in PAGE
    assert f"Up to {MOST_WATCHED} conversations" in PAGE
    assert f"has {LONGEST:,} bytes at most" in PAGE
