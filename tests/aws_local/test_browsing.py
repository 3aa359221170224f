"""What is seen over the WebSocket, where nothing is asked of functions."""

import json
from typing import Any, cast

import pytest
from websockets.sync.client import ClientConnection

from tools.aws_local.browsing import Browser
from tools.set_up import Failed


class Told:
    """A connection that brings messages, and then none."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = [json.dumps(message) for message in messages]
        self.left = self._messages

    def send(self, message: str) -> None:
        """To nobody."""

    def recv(self, timeout: float) -> str:
        if not self._messages:
            raise TimeoutError(timeout)
        return self._messages.pop(0)


def browser(*messages: dict[str, Any]) -> tuple[Browser, Told]:
    told = Told(*messages)
    return Browser(cast(ClientConnection, told)), told


def status(id: int, text: str) -> dict[str, Any]:
    return {"id": id, "type": "status_changed", "data": {"status": text}}


def events(*told: dict[str, Any]) -> dict[str, Any]:
    return {"type": "events", "events": list(told)}


def test_status_that_is_waited_for_is_the_last_one_and_not_an_earlier_one() -> None:
    seen, told = browser(events(status(1, "idle"), status(2, "running")), events(status(5, "idle")))
    seen.wait_for("idle")
    assert told.left == []
    assert seen.ids == [1, 2, 5]


def test_event_that_comes_twice_and_late_counts_once_and_in_its_place() -> None:
    seen, _ = browser(events(status(7, "idle")), events(status(3, "running"), {"id": None, "type": "llm_deltas"}))
    seen.ask("ping", "events")
    seen.ask("ping", "events")
    assert seen.ids == [3, 7]
    assert seen.pieces == 1


def test_problem_and_silence_are_failures() -> None:
    refused, _ = browser({"type": "problem", "problem": {"status": 410}})
    with pytest.raises(Failed, match="410"):
        refused.ask("subscribe", "subscribed", conversation="1")
    silent, _ = browser()
    with pytest.raises(Failed, match="did not tell of 'idle'"):
        silent.wait_for("idle")
