"""A conversation as a browser has it: by a ticket, over the WebSocket API."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tools.set_up import Failed

PATIENCE = 120.0
"""Seconds. Functions start cold here, too."""


class Browser:
    """Who looks at one conversation, and all that it was told."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.events: list[dict[str, Any]] = []

    @property
    def ids(self) -> list[int]:
        """Of stored events, in order and each once, however often they came."""
        return sorted({event["id"] for event in self.events if event.get("id") is not None})

    @property
    def pieces(self) -> int:
        """Pieces of text that were told while the model thought."""
        return sum(event["type"] == "llm_deltas" for event in self.events)

    def ask(self, type: str, answer: str, **fields: Any) -> None:
        """Send a request and wait for what answers it. Raises `Failed` for a problem."""
        self._socket.send(json.dumps({"type": type, **fields}))
        self._until(lambda message: message["type"] == answer, answer)

    def wait_for(self, status: str) -> None:
        """Until this is the status that the agent has."""
        self._until(lambda _: self._status == status, status)

    @property
    def _status(self) -> str:
        changes = [event for event in self.events if event["type"] == "status_changed"]
        return str(max(changes, key=lambda event: int(event["id"]))["data"]["status"]) if changes else ""

    def _until(self, is_it: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                message = json.loads(self._socket.recv(timeout=deadline - time.monotonic()))
            except TimeoutError:
                raise Failed(f"The WebSocket did not tell of {what!r} within {PATIENCE:.0f} s.") from None
            if message["type"] == "problem":
                raise Failed(f"The WebSocket has a problem: {message}")
            self.events += message.get("events", [])
            if is_it(message):
                return


@contextmanager
def browser(url: str, ticket: str) -> Iterator[Browser]:
    with connect(f"{url}?ticket={ticket}", open_timeout=PATIENCE, proxy=None) as socket:
        yield Browser(socket)


def is_refused(url: str, ticket: str) -> bool:
    """Whether nobody is let in by this."""
    try:
        with browser(url, ticket):
            return False
    except InvalidStatus:
        return True
