"""A conversation with what was deployed, over both APIs: a message, an approval, an answer; and who is refused."""

from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx

from tools.aws_local.browsing import Browser, browser, is_refused
from tools.aws_local.issuer import Issuer
from tools.aws_local.stack import Stack
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


def converse(stack: Stack, issuer: Issuer) -> None:
    """All of it. Raises `Failed` where something is not as it should be."""
    name = f"order-{uuid4().hex[:6]}"
    with httpx.Client(base_url=stack.api, timeout=35, trust_env=False) as http:
        ann = Talk(http, issuer.token("ann"))
        with step("the API starts cold"):
            wait(lambda: _is_healthy(http), "the API", PATIENCE)
        with step("who has no token, a wrong one, or too little scope is refused"):
            _refusals(http, issuer)
        with ExitStack() as held:
            with step(
                "ann comes by a ticket to the WebSocket API, whose functions start cold; it opens no second door"
            ):
                ann.ask("POST", "/conversations", 201, json={"agent": "desk", "conversation_id": name})
                ticket = ann.ask("POST", "/ws-tickets", 201).json()["ticket"]
                watching = held.enter_context(browser(stack.sockets, ticket))
                _used(stack.sockets, ticket)
            _order(ann, name, watching, Talk(http, issuer.token("bob")))


def _order(ann: Talk, name: str, watching: Browser, bob: Talk) -> None:
    watching.ask("subscribe", "subscribed", conversation=name)
    with step(f"ann writes in conversation {name}: Temporal invokes the worker, which asks her"):
        watching.ask("send", "sent", conversation=name, text="order 7", id="1")
        watching.wait_for("interrupted")
    with step("somebody else does not even see it; she approves over HTTP"):
        bob.ask("GET", f"/conversations/{name}", 404)
        _approve(ann)
    with step("the worker goes on, and answers: over HTTP, and in pieces over the WebSocket"):
        watching.wait_for("idle")
        _answered(ann, name)
        _told_all(ann, name, watching)


def _is_healthy(http: httpx.Client) -> bool:
    try:
        return http.get("/health").status_code == 200
    except httpx.TimeoutException:
        return False


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


def _used(url: str, ticket: str) -> None:
    if not is_refused(url, ticket):
        raise Failed("The ticket opened a second connection.")


def _approve(who: Talk) -> None:
    (waiting,) = who.ask("GET", "/interrupts", 200).json()["interrupts"]
    path = f"/interrupts/{waiting['id']}"
    digest = who.ask("GET", path, 200).headers["ETag"]
    who.ask("POST", f"{path}/decisions", 200, json={"type": "approve"}, headers={"If-Match": digest})


def _answered(who: Talk, name: str) -> None:
    said = who.ask("GET", f"/conversations/{name}/messages", 200).json()["rows"][-1]["content"]["text"]
    note(said)
    if "order 7 is paid back" not in said:
        raise Failed(f"The agent should have paid order 7 back, but said: {said}")


def _told_all(who: Talk, name: str, watching: Browser) -> None:
    """Whether the WebSocket told every event of the log, and the text piece by piece."""
    log = who.ask("GET", f"/conversations/{name}/events", 200).json()["events"]
    missing = {event["id"] for event in log if event["id"] <= max(watching.ids)} - set(watching.ids)
    note(f"the WebSocket told {len(watching.ids)} events of the log, and {watching.pieces} pieces of text")
    if missing or not watching.pieces:
        raise Failed(f"The WebSocket did not tell events {sorted(missing)}, or no pieces of text.")
