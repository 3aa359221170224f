"""A day of an agent whose worker is killed once: three errands, an approval, a sleep; and what has to be true then.

one ── model ── pay ── model ─▶ two ── model ── (approval) ── shred, pay ── model ─▶ sleep ─▶ three ── …
        ✂ anywhere: then another worker starts, and the day goes on as if nothing had happened
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from temporalio.client import Client

from sagents import AgentServer
from sagents.carried import Carried
from sagents.decisions import Approve
from sagents.errors import CannotAnswer, CannotResume
from sagents.messages import Message
from sagents.status import Status
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.payloads import DiskStorageDriver, data_converter
from sagents_infra.stores import SqliteStore
from tests.support.ledger import Ledger
from tests.support.workers import Workers

T = TypeVar("T")

PATIENCE = 75.0

PARKED = "parked"
PLACES = {
    "wake.claimed": (2, "while it wakes, after it became the agent's writer"),
    "step.claimed": (6, "between two steps"),
    "model.asked": (6, "before the model's reply"),
    "model.streamed": (6, "in the middle of the model's stream"),
    "step.recorded": (6, "after a step's record is written, before the step returns"),
    "rows.begun": (6, "after a step's record is written, before its rows are"),
    "rows.done": (6, "after a step's rows are written, before it returns"),
    "step.saved": (3, "after a run's last step has saved, before it returns"),
    "tool.begun": (3, "in the middle of a tool"),
    "tool.done": (3, "after a tool's effect, before its result"),
    "save.begun": (3, "during a save, before it is written"),
    "save.done": (3, "during a save, after it is written"),
    PARKED: (1, "while it waits for a person"),
}
"""Where a worker may be killed, how often a day comes there, and what that is."""

TALK = [
    ("user", "one"),
    ("assistant", ""),
    ("tool", "paid 1"),
    ("assistant", "paid 1"),
    ("user", "two"),
    ("assistant", ""),
    ("tool", "shredded bill, paid 10"),
    ("assistant", "shredded bill and paid 10"),
    ("user", "three"),
    ("assistant", ""),
    ("tool", "paid 100"),
    ("assistant", "paid 100"),
]

SHOWN = sorted(
    [
        *(("text", text) for role, text in TALK if text and role != "tool"),
        *(("tool_call", name) for name in ("Pay", "Shred", "Pay", "Pay")),
        *(("tool_result", text) for text in ("paid 1", "shredded bill", "paid 10", "paid 100")),
    ]
)


@dataclass
class Day:
    """One agent, its ledger and its workers."""

    server: AgentServer
    store: SqliteStore
    workers: Workers
    ledger: Ledger
    agent_id: str = field(default_factory=lambda: f"errands-{uuid4().hex[:8]}")

    @classmethod
    @asynccontextmanager
    async def begin(
        cls, address: str, folder: Path, kill_at: str = "", module: str = Workers.module
    ) -> "AsyncIterator[Day]":
        """A worker that dies at `kill_at`, on a Temporal server at `address`, with all that is kept in `folder`."""
        home = folder / "home"
        home.mkdir(parents=True)
        task_queue, ledger = f"errands-{uuid4().hex[:8]}", Ledger(folder / "ledger.db")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "SAGENTS_"))},
            "TEMPORAL_ADDRESS": address,
            "SAGENTS_HOME": str(home),
            "SAGENTS_TASK_QUEUE": task_queue,
            "SAGENTS_HEARTBEAT_TIMEOUT_MS": "4000",
            "SAGENTS_STICKY_TIMEOUT_MS": "1000",
            "LEDGER": str(ledger.path),
        }
        store = SqliteStore(home / "store.db")
        client = await Client.connect(address, data_converter=data_converter(DiskStorageDriver(home / "payloads")))
        server = AgentServer(client, store=store, channel=MemoryChannel(), task_queue=task_queue)
        try:
            async with Workers(environment, folder / "workers.log", kill_at, module) as workers:
                yield cls(server, store, workers, ledger)
        finally:
            store.close()

    async def live(self) -> None:
        """The whole day. Doors repeat what was not answered, always with the same id, as every client should."""
        await self.insist(lambda: self.server.start("errands", agent_id=self.agent_id))
        await self.tell("one")
        await self.until(lambda: self.has("asked"))  # it is under way: the next message waits for the end of its run
        await self.tell("two")
        await self.reaches(Status.INTERRUPTED)
        if self.workers.kill_at.startswith(PARKED):
            self.workers.kill()
            await self.until(lambda: _true(self.workers.killed == 1))
        await self.approve()
        await self.reaches(Status.IDLE)
        await self.insist(lambda: self.server.stop(self.agent_id))
        await self.tell("three")
        await self.reaches(Status.IDLE)

    async def tell(self, text: str) -> None:
        await self.insist(lambda: self.server.add_message(self.agent_id, text, id=f"message-{text}"))

    async def approve(self) -> None:
        try:
            await self.insist(lambda: self.server.resume(self.agent_id, Approve()))
        except CannotResume:  # an earlier attempt has reached it, though its answer has not reached us
            assert await self.status() is not Status.INTERRUPTED

    async def status(self) -> Status:
        return await self.insist(lambda: self.server.get_status(self.agent_id))

    async def messages(self) -> tuple[Message, ...]:
        return await self.insist(lambda: self.server.messages(self.agent_id))

    async def is_saved(self) -> bool:
        """Whether the store has the agent as it is now."""
        row = await self.store.load(self.agent_id)
        head = row and row.head and Carried.model_validate_json(row.head).head
        return bool(head and head.status is await self.status())

    async def has(self, kind: str) -> bool:
        return bool(await asyncio.to_thread(self.ledger.notes, kind))

    async def reaches(self, status: Status) -> None:
        async def reached() -> bool:
            return await self.status() is status

        await self.until(reached)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not await condition():
            if time.monotonic() > deadline:
                log = self.workers.log.read_text()[-3000:]
                raise AssertionError(f"waited {PATIENCE} s in vain; notes {self.ledger.notes()}; workers say: {log}")
            await asyncio.sleep(0.05)

    async def insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Again until somebody answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await attempt()
            except CannotAnswer:
                if time.monotonic() > deadline:
                    raise

    # ── what has to be true ───────────────────────────────────────────────────────────────────────────────────

    async def problems(self) -> list[str]:
        """What is wrong with the day, in words; nothing, if all is well."""
        said = [(str(message.role), _text(message)) for message in await self.messages()]
        paid = self.ledger.amounts()
        return [
            *([] if said == TALK else [f"the conversation is {said}"]),
            *([] if paid == [1, 10, 100] else [f"paid were {paid}"]),
            *([] if self.workers.killed == 1 else [f"{self.workers.killed} workers were killed"]),
            *self._steps(),
            *await self._rows(),
        ]

    async def _rows(self) -> list[str]:
        """What a transcript has more than once, or not at all (B-105); calls of one reply end in any order."""
        rows = await self.store.rows(self.agent_id)
        shown = sorted((str(row.content_type), row.text) for row in rows)
        open_calls = [f"the row of {row.text} is {row.status}" for row in rows if not row.ended]
        return [*([] if shown == SHOWN else [f"the transcript is {shown}"]), *open_calls]

    def _steps(self) -> list[str]:
        """Steps that were asked again although they had been recorded, or that left no record."""
        asked, recorded = set[str](), set[str]()
        wrong = []
        for kind, step in self.ledger.notes("asked", "recorded"):
            if kind == "asked" and step in recorded:
                wrong.append(f"step {step} was asked again although it was recorded")
            (asked if kind == "asked" else recorded).add(step)
        whole = len(asked) == 6 and asked == recorded
        return wrong if whole else [*wrong, f"asked were {sorted(asked)}, recorded {sorted(recorded)}"]


def _text(message: Message) -> str:
    return ", ".join(result.text for result in message.tool_results) or message.text


async def _true(value: bool) -> bool:
    return value
