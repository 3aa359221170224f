"""200 requests at once to the local server and a worker, each a process of its own as `sagents dev` starts them."""

import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx

from benchmarks.figures import Figure
from benchmarks.stage import PATIENCE, say
from sagents import Agent, Sagents
from sagents_infra.children import end
from sagents_infra.cli.supervising import local_environment, start_child, start_worker
from sagents_infra.dev_server import DevServer, free_port
from sagents_infra.http.serving import local_issuer
from tests.support.models import echoes

AT_ONCE, CONVERSATIONS = 200, 20
MOST_SECONDS = 5.0
"""What 99 of 100 requests must not exceed."""

RATE, BURST = 10.0, 50
"""Of a server that is asked for more than it lets through."""

app = Sagents()
app.agent("echo", Agent(model=echoes(), default_middleware=False))


@dataclass(frozen=True)
class Answered:
    """One message that was sent: to where, and what came back after so many seconds."""

    conversation: str
    text: str
    response: httpx.Response
    seconds: float

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def message_id(self) -> str:
        return str(self.response.json()["message_id"])


async def main() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="sagents-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        server = await asyncio.to_thread(DevServer.start, folder / "temporal", tied=True)
        environment = dict(local_environment(server.address, SAGENTS_HOME=str(folder), SAGENTS_HTTP_RATE="1000"))
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what pip installs has bytecode
        with (folder / "worker.log").open("wb") as log:
            worker = start_worker("benchmarks.doors:app", environment, log)
        try:
            return [*await under_load(folder, environment), *await above_the_rate(folder, environment)]
        finally:
            await asyncio.to_thread(end, worker)
            server.stop()


async def under_load(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """Requests at a rate that is allowed: to many conversations, and all to one."""
    figures: list[Figure] = []
    async with serving(folder, environment) as client:
        names = [f"c{number}" for number in range(CONVERSATIONS)]
        await asyncio.gather(*(begun(client, one) for one in names))
        for what, place in (
            (f"to {CONVERSATIONS} conversations", lambda number: names[number % CONVERSATIONS]),
            ("to one conversation", lambda _: names[0]),
        ):
            answers, _ = await at_once(client, place)
            say(f"{AT_ONCE} messages at once {what}: {dict(Counter(one.status for one in answers))}")
            figures += await judged(client, what, answers)
    return figures


async def judged(client: httpx.AsyncClient, what: str, answers: list[Answered]) -> list[Figure]:
    times = sorted(one.seconds for one in answers)
    return [
        Figure(f"{AT_ONCE} messages at once {what}: p99", quantiles(times, n=100)[98], MOST_SECONDS, "s"),
        Figure("… p50", median(times), None, "s"),
        Figure("… not taken", sum(one.status != 202 for one in answers), 0),
        Figure("… taken without a row", await without_a_row(client, answers), 0),
    ]


async def above_the_rate(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    """The same requests to a server that lets fewer through: it refuses those above its rate and no others."""
    limits = {"SAGENTS_HTTP_RATE": f"{RATE:g}", "SAGENTS_HTTP_BURST": str(BURST)}
    async with serving(folder, {**environment, **limits}) as client:
        answers, seconds = await at_once(client, lambda _: "c1")
        found = Counter(one.status for one in answers)
        say(f"{AT_ONCE} at once where {BURST} are allowed, then {RATE:g} a second: {dict(found)} in {seconds:.1f} s")
        waits = [one.response.headers.get("retry-after") for one in answers if one.status == 429]
        await asyncio.sleep(BURST / RATE)  # until it asks again for rows, too
        return [
            Figure(f"{AT_ONCE} at once, {BURST} allowed: refused below the rate", max(BURST - found[202], 0), 0),
            Figure("… taken above the rate", max(found[202] - BURST - RATE * seconds, 0), 0),
            Figure("… other answers than 202 and 429", AT_ONCE - found[202] - found[429], 0),
            Figure("… refusals that do not say when to come back", waits.count(None), 0),
            Figure("… taken without a row", await without_a_row(client, answers), 0),
        ]


@asynccontextmanager
async def serving(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A `sagents serve` of its own process, and somebody who asks it."""
    port = free_port()
    with (folder / "serve.log").open("ab") as log:
        process = start_child(["serve", "--port", str(port)], environment, log)
    token = local_issuer(folder).token("ann")
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE) as client:
            await healthy(client)
            yield client
    finally:
        await asyncio.to_thread(end, process)


async def healthy(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/health")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def begun(client: httpx.AsyncClient, conversation: str) -> None:
    """Start it, and wait until its agent has answered once."""
    body = {"agent": "echo", "conversation_id": conversation, "message": "Hello"}
    (await client.post("/conversations", json=body)).raise_for_status()
    async with asyncio.timeout(60):
        while len(await rows_of(client, conversation)) < 2:  # noqa: ASYNC110 (it is elsewhere)
            await asyncio.sleep(0.05)


async def at_once(client: httpx.AsyncClient, place: Callable[[int], str]) -> tuple[list[Answered], float]:
    """As many messages as `AT_ONCE`, none waits for another; and the seconds until the last answer."""
    began = time.perf_counter()
    mark = os.urandom(3).hex()
    answers = await asyncio.gather(*(said(client, place(n), f"message {mark} {n}") for n in range(AT_ONCE)))
    return answers, time.perf_counter() - began


async def said(client: httpx.AsyncClient, conversation: str, text: str) -> Answered:
    """By a connection of its own and by hand: so many of a client's pool cost more than the server does."""
    body = json.dumps({"content": text}).encode()
    head = (
        f"POST /conversations/{conversation}/messages HTTP/1.1\r\nHost: {client.base_url.netloc.decode()}\r\n"
        f"Authorization: {client.headers['authorization']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    try:
        writer.write(head.encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    return Answered(conversation, text, response_of(answer), time.perf_counter() - began)


def response_of(answer: bytes) -> httpx.Response:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)


async def without_a_row(client: httpx.AsyncClient, answers: list[Answered]) -> int:
    """How many of those that were taken are in no transcript, with their words and their id."""
    missing = 0
    for conversation in {one.conversation for one in answers}:
        rows = await rows_of(client, conversation)
        shown = {(str(row["id"]).rpartition(".")[0], row["content"].get("text")) for row in rows}  # type: ignore[attr-defined]
        taken = [one for one in answers if one.conversation == conversation and one.status == 202]
        missing += sum((one.message_id, one.text) not in shown for one in taken)
    return missing


async def rows_of(client: httpx.AsyncClient, conversation: str) -> list[dict[str, object]]:
    """The whole transcript."""
    found: list[dict[str, object]] = []
    after = 0
    while True:
        asked = {"after": after, "limit": 200}
        page = (await client.get(f"/conversations/{conversation}/messages", params=asked)).raise_for_status().json()
        if not page["rows"]:
            return found
        found += page["rows"]
        after = page["after"]
