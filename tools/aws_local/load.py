"""Very many requests at once: only a limit refuses any, and each message that was taken is in the transcript."""

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

PATIENCE = 120.0


@dataclass(frozen=True)
class Sent:
    conversation: str
    text: str
    status: int
    seconds: float


def load(stack: Stack, issuer: Issuer) -> None:
    """Raises `Failed` for an answer other than 202 and 429, and where the transcript is not what was taken."""
    names = [f"load-{uuid4().hex[:6]}-{number}" for number in range(CONVERSATIONS)]
    messages = [(names[number % CONVERSATIONS], f"message {number}") for number in range(REQUESTS)]
    with people(stack, issuer.token("ann")) as (ann,):
        with step(f"{AT_ONCE} functions of the API start, and {CONVERSATIONS} conversations"):
            asyncio.run(_start(stack.api, AT_ONCE))
            for name in names:
                ann.start(name, "parrot")
        with step(f"{REQUESTS} messages at once, in an account that runs {AT_ONCE} functions at once"):
            sent = asyncio.run(_send(stack.api, issuer.token("ann"), messages))
            _tell(sent)
        with step("each message that was taken has its row, and none that was refused"):
            taken = {(one.conversation, one.text) for one in sent if one.status == 202}
            wait(lambda: _rows(ann, names) >= taken, "the rows", PATIENCE)
            if more := _rows(ann, names) - taken:
                raise Failed(f"Rows of messages that were refused: {sorted(more)}")
        with step("those that were refused are sent until they are taken"):
            for conversation, text in sorted(set(messages) - taken):
                ann.write(conversation, text, key=text)
            wait(lambda: _rows(ann, names) == set(messages), "the rows", PATIENCE)


async def _start(url: str, functions: int) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
        await asyncio.gather(*(http.get("/health") for _ in range(functions)))


async def _send(url: str, token: str, messages: list[tuple[str, str]]) -> list[Sent]:
    limits = httpx.Limits(max_connections=REQUESTS)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=PATIENCE, limits=limits, trust_env=False
    ) as http:
        return await asyncio.gather(*(_post(http, *message) for message in messages))


async def _post(http: httpx.AsyncClient, conversation: str, text: str) -> Sent:
    began, path = time.monotonic(), f"/conversations/{conversation}/messages"
    answer = await http.post(path, json={"content": text}, headers={"Idempotency-Key": text})
    return Sent(conversation, text, answer.status_code, time.monotonic() - began)


def _tell(sent: list[Sent]) -> None:
    statuses = Counter(one.status for one in sent)
    seconds = sorted(one.seconds for one in sent if one.status == 202)
    note(", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())))
    if set(statuses) - {202, 429} or not seconds:
        raise Failed(f"Answers other than 202 and 429, or none that was 202: {dict(statuses)}")
    at = [seconds[int(len(seconds) * part)] for part in (0.5, 0.99)]
    note(f"taken in {at[0]:.1f} s (median), {at[1]:.1f} s (99 of 100), {seconds[-1]:.1f} s at most")


def _rows(who: Person, names: list[str]) -> set[tuple[str, str]]:
    """What users said, as the transcripts have it."""
    return {
        (name, row["content"]["text"]) for name in names for row in who.rows(name, 200) if row["message_type"] == "user"
    }
