"""The HTTP API as one person has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tools.aws_local.stack import Stack
from tools.set_up import Failed

PATIENCE = 35.0
"""Seconds for one answer; a function has 29."""


class Person:
    """Who has this token, or none."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http, self._headers = http, {"Authorization": f"Bearer {token}"} if token else {}

    def try_to(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self._headers, **more.pop("headers", {})}
        return self._http.request(method, path, headers=headers, **more)

    def ask(self, method: str, path: str, expected: int, **more: Any) -> httpx.Response:
        """The response. Raises `Failed` for another status than the one that is expected."""
        answer = self.try_to(method, path, **more)
        if answer.status_code != expected:
            raise Failed(f"{method} {path}: {answer.status_code}, not {expected}: {answer.text[:500]}")
        return answer

    def start(self, name: str, agent: str) -> None:
        self.ask("POST", "/conversations", 201, json={"agent": agent, "conversation_id": name})

    def write(self, name: str, text: str, key: str, expected: int = 202) -> httpx.Response:
        """A message to a conversation, the same however often it is sent with this key."""
        path, headers = f"/conversations/{name}/messages", {"Idempotency-Key": key}
        return self.ask("POST", path, expected, json={"content": text}, headers=headers)

    def rows(self, name: str, limit: int = 50) -> list[dict[str, Any]]:
        """The newest page of the transcript, oldest first."""
        page = self.ask("GET", f"/conversations/{name}/messages", 200, params={"limit": limit})
        return list(page.json()["rows"])

    def question(self, name: str) -> dict[str, Any]:
        """What waits in this conversation."""
        asked = self.ask("GET", "/interrupts", 200, params={"conversation_id": name})
        (waiting,) = asked.json()["interrupts"]
        return dict(waiting)

    def approve(self, name: str) -> None:
        """What waits in this conversation: the call that was seen, and no other."""
        path = f"/interrupts/{self.question(name)['id']}"
        digest = self.ask("GET", path, 200).headers["ETag"]
        self.ask("POST", f"{path}/decisions", 200, json={"type": "approve"}, headers={"If-Match": digest})


@contextmanager
def people(stack: Stack, *tokens: str) -> Iterator[list[Person]]:
    """Who has these tokens; one without has an empty one."""
    with httpx.Client(base_url=stack.api, timeout=PATIENCE, trust_env=False) as http:
        yield [Person(http, token) for token in tokens]
