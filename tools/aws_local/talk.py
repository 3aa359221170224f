"""A conversation with what was deployed, over both APIs: a message, an approval, an answer; and who is refused."""

import time
from contextlib import ExitStack
from uuid import uuid4

import httpx

from tools.aws_local.browsing import Browser, browser, is_refused
from tools.aws_local.invocations import Invocations
from tools.aws_local.issuer import Issuer
from tools.aws_local.person import Person, people
from tools.aws_local.stack import Stack
from tools.aws_local.working import note, step, wait
from tools.set_up import Failed

STARTING = 120.0
"""Seconds. Functions start cold, on a machine that does all of it at once."""

QUIET = 15.0
PING_EVERY = 3.0
LEAVING = 3.0
"""Seconds: a worker that was invoked for nothing would leave after one, and be in the log."""


def converse(stack: Stack, issuer: Issuer) -> None:
    """All of it. Raises `Failed` where something is not as it should be."""
    name = f"order-{uuid4().hex[:6]}"
    worker = Invocations(stack, "WorkerLogs")
    with people(stack, issuer.token("ann"), issuer.token("bob"), "") as (ann, bob, whoever), ExitStack() as held:
        with step("who has no token, a wrong one, or too little scope is refused"):
            _refusals(stack, issuer)
        with step("ann comes by a ticket to the WebSocket API, whose functions start cold; it opens no second door"):
            began = time.time()
            ann.start(name, "desk")
            ticket = ann.ask("POST", "/ws-tickets", 201).json()["ticket"]
            watching = held.enter_context(browser(stack.sockets, ticket))
            if not is_refused(stack.sockets, ticket):
                raise Failed("The ticket opened a second connection.")
            watching.ask("subscribe", "subscribed", conversation=name)
            worker.wait_until_left(since=began)
        with step(f"nobody runs; ann writes in conversation {name}: Temporal invokes the worker, which asks her"):
            wrote = time.time()
            ann.write(name, "order 7", "1")
            watching.wait_for("interrupted")
        with step(f"the worker leaves; for {QUIET:.0f} s the agent waits, her browser pings, and nobody invokes it"):
            worker.wait_until_left(since=wrote)
            began, ended = _quiet(stack, worker, watching)
        with step("somebody else does not even see it; she approves over HTTP: the worker goes on, and answers"):
            bob.ask("GET", f"/conversations/{name}", 404)
            ann.approve(name)
            watching.wait_for("idle")
            _answered(ann, name, "order 7 is paid back")
            if worker.between(began, ended):
                raise Failed("The worker was invoked while the agent waited, and was slow to say so.")
        with step("what she was told over the WebSocket is all that the log has, the text in pieces"):
            _told_all(ann, name, watching)
        with step("she writes over the WebSocket, too; a notice of the question has a link that decides it, once"):
            watching.ask("send", "sent", conversation=name, text="order 8", id="2")
            watching.wait_for("interrupted")
            _decide_by(stack.notices.link(ann.question(name)["interrupt_id"]), whoever)
            watching.wait_for("idle")
            _answered(ann, name, "order 8 is paid back")


def wake(stack: Stack) -> None:
    """Until the API answers; its first answer is a cold start."""
    with people(stack, "") as (whoever,):
        wait(lambda: _is_healthy(whoever), "the API", STARTING)


def _is_healthy(whoever: Person) -> bool:
    try:
        return whoever.try_to("GET", "/health").status_code == 200
    except httpx.TimeoutException:
        return False


def _refusals(stack: Stack, issuer: Issuer) -> None:
    forged = issuer.token("ann")[:-4] + "AAAA"
    expired, for_another = issuer.token("ann", hours=-1), issuer.token("ann", audience="another")
    reads = issuer.token("ann", scope="sagents:read")
    with people(stack, "", forged, expired, for_another, reads) as (*refused, reader):
        for person in refused:
            person.ask("GET", "/conversations", 401)
        reader.ask("POST", "/conversations", 403, json={"agent": "desk"})


def _quiet(stack: Stack, worker: Invocations, watching: Browser) -> tuple[float, float]:
    """The time in which only the browser pinged. Each pong is a call of the socket function, and not counted."""
    api, began, pongs = Invocations(stack, "ApiLogs"), time.time(), 0
    while time.time() < began + QUIET:
        watching.ask("ping", "pong")
        pongs += 1
        time.sleep(PING_EVERY)
    ended = time.time()
    time.sleep(LEAVING)
    of_worker, of_api = worker.between(began, ended), api.between(began, ended)
    note(f"{pongs} pings; invocations of the worker: {of_worker}, of the API: {of_api}")
    if of_worker or of_api:
        raise Failed("Functions were invoked while the agent waited.")
    return began, ended


def _answered(who: Person, name: str, expected: str) -> None:
    said = who.rows(name)[-1]["content"]["text"]
    note(said)
    if expected not in said:
        raise Failed(f"The agent should have said {expected!r}, but said: {said}")


def _decide_by(link: str, whoever: Person) -> None:
    """Looking at it decides nothing; of two decisions the first counts."""
    asks = {"Accept": "application/json"}
    whoever.ask("GET", link, 200, headers=asks)
    whoever.ask("POST", link, 200, json={"type": "approve", "confirm": True}, headers=asks)
    whoever.ask("POST", link, 409, json={"type": "reject", "confirm": True}, headers=asks)


def _told_all(who: Person, name: str, watching: Browser) -> None:
    log = who.ask("GET", f"/conversations/{name}/events", 200).json()["events"]
    missing = {event["id"] for event in log if event["id"] <= max(watching.ids)} - set(watching.ids)
    note(f"the WebSocket told {len(watching.ids)} events of the log, and {watching.pieces} pieces of text")
    if missing or not watching.pieces:
        raise Failed(f"The WebSocket did not tell events {sorted(missing)}, or no pieces of text.")
