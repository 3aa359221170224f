"""A conversation over HTTP with what was deployed: a message, an approval, an answer; and who is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from tools.aws_local.issuer import Issuer
from tools.aws_local.working import note, step, wait
from tools.set_up import Failed

PATIENCE = 120.0
"""Seconds. Functions start cold, on a machine that does all of it at once."""


class Talk:
    """The API as one person has it."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http, self._headers = http, {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, expected: int, **more: Any) -> httpx.Response:
        """The response. Raises `Failed` for another status than the one that is expected."""
        headers = {**self._headers, **more.pop("headers", {})}
        answer = self._http.request(method, path, headers=headers, **more)
        if answer.status_code != expected:
            raise Failed(f"{method} {path}: {answer.status_code}, not {expected}: {answer.text[:500]}")
        return answer


@contextmanager
def talking(api: str) -> Iterator[httpx.Client]:
    """A client of the API that is awake."""
    with httpx.Client(base_url=api, timeout=35, trust_env=False) as http:
        wait(lambda: _is_healthy(http), "the API", PATIENCE)
        yield http


def _is_healthy(http: httpx.Client) -> bool:
    try:
        return http.get("/health").status_code == 200
    except httpx.TimeoutException:
        return False


def converse(api: str, issuer: Issuer) -> str:
    """All of it. Raises `Failed` where something is not as it should be; returns the id of the conversation."""
    with step("the API starts cold"), talking(api) as http:
        pass
    with talking(api) as http:
        ann, name = Talk(http, issuer.token("ann")), f"order-{uuid4().hex[:6]}"
        with step("who has no token, a wrong one, or too little scope is refused"):
            _refusals(http, issuer)
        with step(f"ann starts conversation {name}; Temporal invokes the worker"):
            ann.ask("POST", "/conversations", 201, json={"agent": "desk", "conversation_id": name})
            ann.ask("POST", f"/conversations/{name}/messages", 202, json={"content": "order 7"})
            _status(ann, name, "interrupted")
        with step("the agent asks her; somebody else does not even see it"):
            Talk(http, issuer.token("bob")).ask("GET", f"/conversations/{name}", 404)
            _approve(ann)
        with step("the worker goes on, and answers"):
            _status(ann, name, "idle")
            said = _rows(ann, name)[-1]["content"]["text"]
            note(said)
            if "order 7 is paid back" not in said:
                raise Failed(f"The agent should have paid order 7 back, but said: {said}")
    return name


def _refusals(http: httpx.Client, issuer: Issuer) -> None:
    Talk(http, "").ask("GET", "/conversations", 401)
    for token in (
        issuer.token("ann")[:-4] + "AAAA",
        issuer.token("ann", hours=-1),
        issuer.token("ann", audience="another"),
    ):
        Talk(http, token).ask("GET", "/conversations", 401)
    reader = Talk(http, issuer.token("ann", scope="sagents:read"))
    reader.ask("POST", "/conversations", 403, json={"agent": "desk"})


def _status(who: Talk, name: str, status: str) -> None:
    """Wait for a status of the agent by long polls, which wake nobody."""
    seen = 0

    def reached() -> bool:
        nonlocal seen
        page = who.ask("GET", f"/conversations/{name}/events", 200, params={"after": seen, "wait": 10}).json()
        seen = page["after"]
        return any(event["data"].get("status") == status for event in _changes(page["events"]))

    wait(reached, f"the agent is {status}", PATIENCE)


def _changes(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == "status_changed"]


def _approve(who: Talk) -> None:
    (waiting,) = who.ask("GET", "/interrupts", 200).json()["interrupts"]
    path = f"/interrupts/{waiting['id']}"
    digest = who.ask("GET", path, 200).headers["ETag"]
    note(f"{waiting['tool']}: she approves")
    who.ask("POST", f"{path}/decisions", 200, json={"type": "approve"}, headers={"If-Match": digest})


def _rows(who: Talk, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = who.ask("GET", f"/conversations/{name}/messages", 200).json()["rows"]
    return rows
