"""Very many requests at once: only a limit refuses any, and each message that was taken is in the transcript, once."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

import httpx

from tools.aws_local.cloud import AT_ONCE
from tools.aws_local.issuer import Issuer
from tools.aws_local.person import Person, people
from tools.aws_local.stack import Stack
from tools.aws_local.working import note, step, wait
from tools.set_up import Failed

REQUESTS = 200
CONVERSATIONS = 10
PATIENCE = 420.0
PAUSE = 3.0
"""Seconds after which who was refused asks again."""

Message = tuple[str, str]
"""A conversation, and what is said in it."""


@dataclass(frozen=True)
class Sent:
    """A message, what it was answered each time that it was sent, and the seconds that the last answer took."""

    statuses: tuple[int, ...]
    seconds: float


def load(stack: Stack, issuer: Issuer) -> None:
    """Raises `Failed` for an answer other than 202, 429 and 503, and where the transcript is not what was taken."""
    names = [f"load-{uuid4().hex[:6]}-{number}" for number in range(CONVERSATIONS)]
    messages = [(names[number % CONVERSATIONS], f"message {number}") for number in range(REQUESTS)]
    with people(stack, issuer.token("ann")) as (ann,):
        with step(f"functions of the API start, as many as run at once; then {CONVERSATIONS} conversations"):
            # A worker still runs when the messages come: the emulator keeps it no part of what runs at once, as the
            # template does, and functions of the API that wait for it would leave it no room to begin.
            asyncio.run(_start(stack.api))
            for name in names:
                ann.start(name, "parrot")
        with step(
            f"{REQUESTS} messages at once to an account that runs {AT_ONCE} functions at once, each until it is taken"
        ):
            _tell(asyncio.run(_send(stack.api, issuer.token("ann"), messages)))
        with step("each message has its row, and one only"):
            wait(lambda: _rows(ann, names).total() >= REQUESTS, "the rows", PATIENCE)
            if _rows(ann, names) != Counter(messages):
                raise Failed(f"The transcripts have more than what was sent: {_rows(ann, names) - Counter(messages)}")


async def _start(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
        await asyncio.gather(*(http.get("/health") for _ in range(AT_ONCE - 1)))


async def _send(url: str, token: str, messages: list[Message]) -> list[Sent]:
    limits, headers = httpx.Limits(max_connections=REQUESTS), {"Authorization": f"Bearer {token}"}
    client = httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE, limits=limits, trust_env=False)
    sent: list[Sent] = []
    try:
        async with client as http, asyncio.timeout(PATIENCE), asyncio.TaskGroup() as sending:
            for message in messages:
                sending.create_task(_until_taken(http, sent, *message))
    except TimeoutError:
        raise Failed(f"{len(sent)} of {REQUESTS} messages were taken within {PATIENCE:.0f} s.") from None
    return sent


async def _until_taken(http: httpx.AsyncClient, sent: list[Sent], conversation: str, text: str) -> None:
    path, statuses = f"/conversations/{conversation}/messages", list[int]()
    while True:
        began = time.monotonic()
        answer = await http.post(path, json={"content": text}, headers={"Idempotency-Key": text})
        statuses.append(answer.status_code)
        if answer.status_code not in (429, 503):
            break
        await asyncio.sleep(PAUSE)
    sent.append(Sent(tuple(statuses), time.monotonic() - began))
    if len(sent) % (REQUESTS // 5) == 0:
        note(f"{len(sent)} of them were taken")


def _tell(sent: list[Sent]) -> None:
    for what, statuses in (
        ("the first time", Counter(one.statuses[0] for one in sent)),
        ("in all", Counter(status for one in sent for status in one.statuses)),
    ):
        note(f"{what}: " + ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())))
    if {one.statuses[-1] for one in sent} != {202}:
        raise Failed("There were answers other than 202, 429 and 503.")
    seconds = sorted(one.seconds for one in sent)
    at = [seconds[int(len(seconds) * part)] for part in (0.5, 0.99)]
    note(f"a 202 took {at[0]:.1f} s (median), {at[1]:.1f} s (99 of 100)")


def _rows(who: Person, names: list[str]) -> Counter[Message]:
    """What users said, as the transcripts have it."""
    rows = ((name, row) for name in names for row in who.rows(name, 200) if row["message_type"] == "user")
    return Counter((name, row["content"]["text"]) for name, row in rows)
