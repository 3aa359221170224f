"""Deltas go out in batches: as few events as an eye can tell apart (B-152)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sagents.events import Event
from sagents_activities.gathering import gathered

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def delta(text: str, *, stream: str = "msg_1", attempt: int = 1, **whose: Any) -> Event:
    data: dict[str, Any] = {"deltas": [{"text": text}], "stream_id": stream, "attempt": attempt}
    return Event(agent_id="a", type="llm_deltas", at=NOW, data=data, **whose)


def texts(*events: Event) -> list[list[str]]:
    told: list[dict[str, Any]] = [dict(event.data) for event in gathered(events)]
    return [[piece["text"] for piece in data["deltas"]] for data in told]


def test_pieces_of_one_attempt_are_one_event() -> None:
    assert texts(delta("a"), delta("b"), delta("c")) == [["a", "b", "c"]]


@pytest.mark.parametrize(
    "other",
    [
        {"stream": "msg_2"},
        {"attempt": 2},
        {"path": ("research",)},
        {"path": ("research",), "sub_agent_id": "a/research-1.0.0"},
    ],
    ids=["stream", "attempt", "path", "sub-agent"],
)
def test_pieces_that_belong_elsewhere_stay_apart(other: dict[str, Any]) -> None:
    assert texts(delta("a"), delta("b", **other), delta("c", **other), delta("d")) == [["a"], ["b", "c"], ["d"]]


def test_what_comes_between_keeps_its_place() -> None:
    between = Event(agent_id="a", type="llm_error", at=NOW, data={"attempt": 1})
    told = gathered([delta("a"), between, delta("b")])
    assert [event.type for event in told] == ["llm_deltas", "llm_error", "llm_deltas"]
