"""Agents that wait for a person: what they cost the worker's memory, and what waking one costs."""

import asyncio
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from temporalio.client import WorkflowHandle

from benchmarks.figures import Figure
from benchmarks.parked_worker import CACHE, READY
from benchmarks.stage import LOOK_EVERY, PATIENCE, Stage, open_stage, say
from benchmarks.words import prose
from sagents import Status, contract

FEW, MANY = 500, 2_000
AT_ONCE = 24
TURNS = 20


async def main() -> list[Figure]:
    async with open_stage() as stage, worker(stage) as process:
        clerks = Clerks(stage)
        few = await memory_with(process, clerks, range(FEW))
        many = await memory_with(process, clerks, range(FEW, MANY))
        in_cache = [await clerks.approve(MANY - 1 - number) for number in range(TURNS)]
        evicted = [await clerks.approve(number) for number in range(TURNS)]
        turns = [await clerks.chat_and_wake(number) for number in range(TURNS)]
    warm, woken = median(one for one, _ in turns), median(other for _, other in turns)
    return [
        Figure(f"worker's memory, 2,000 agents parked ÷ 500 (cache of {CACHE})", many / few, 1.1),
        Figure("worker's memory, 500 parked", few / 1e6, unit="MB"),
        Figure("worker's memory, 2,000 parked", many / 1e6, unit="MB"),
        Figure("decision for an agent out of the cache ÷ in it", median(evicted) / median(in_cache), 3),
        Figure("decision for an agent in the cache", median(in_cache) * 1000, unit="ms"),
        Figure("message that wakes a sleeping agent ÷ warm message", woken / warm, 3),
        Figure("warm message", warm * 1000, unit="ms"),
    ]


async def memory_with(process: Process, clerks: "Clerks", numbers: range) -> int:
    """Bytes that the worker holds once these agents are parked too."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def park(number: int) -> None:
        async with limit:
            await clerks.park(number)
        if (number + 1) % 500 == 0:
            say(f"{number + 1:,} agents parked")

    await asyncio.gather(*(park(number) for number in numbers))
    await asyncio.sleep(1)
    return await asyncio.to_thread(resident_bytes, process.pid)


@dataclass
class Clerks:
    """Agents that ask before they refund."""

    stage: Stage

    async def send(self, agent_id: str, text: str) -> WorkflowHandle[Any, Any]:
        """Signal-with-start: reaches an agent in whatever state it is."""
        return await self.stage.client.start_workflow(
            contract.AGENT_WORKFLOW,
            {"agent": "clerk"},
            id=agent_id,
            task_queue=self.stage.settings.task_queue,
            start_signal=contract.ADD_MESSAGE,
            start_signal_args=[text],
        )

    async def park(self, number: int) -> None:
        """A new agent that waits for a decision and is saved. Nobody asks it: that would wake it."""
        await self.send(parked(number), f"refund {prose(90, number)}")
        async with asyncio.timeout(120):
            while not await self.is_saved(parked(number)):  # noqa: ASYNC110 (another process saves it)
                await asyncio.sleep(0.05)

    async def is_saved(self, agent_id: str) -> bool:
        row = await self.stage.store.load(agent_id)
        return row is not None and row.head is not None

    async def approve(self, number: int) -> float:
        """The seconds from a decision until the agent is idle again."""
        handle: WorkflowHandle[Any, Any] = self.stage.client.get_workflow_handle(parked(number))
        began = time.perf_counter()
        await handle.signal(contract.RESUME, "approve")
        await idle(handle)
        return time.perf_counter() - began

    async def chat_and_wake(self, number: int) -> tuple[float, float]:
        """The seconds of a message to an agent that is there, and of one to an agent that has left."""
        agent_id = f"chatty-{number}"
        await self.timed(agent_id, 1)
        warm = await self.timed(agent_id, 2)
        handle: WorkflowHandle[Any, Any] = self.stage.client.get_workflow_handle(agent_id)
        await handle.signal(contract.STOP)
        await handle.result()
        return warm, await self.timed(agent_id, 3)

    async def timed(self, agent_id: str, number: int) -> float:
        began = time.perf_counter()
        await idle(await self.send(agent_id, f"{number}: {prose(90, number)}"))
        return time.perf_counter() - began


async def idle(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until the agent has nothing to do."""
    async with asyncio.timeout(PATIENCE):
        while await handle.query(contract.STATUS) != Status.IDLE:  # noqa: ASYNC110 (it is elsewhere)
            await asyncio.sleep(LOOK_EVERY)


def parked(number: int) -> str:
    return f"parked-{number}"


@asynccontextmanager
async def worker(stage: Stage) -> AsyncIterator[Process]:
    """A worker process with a small cache."""
    command = [sys.executable, "-m", "benchmarks.parked_worker", stage.address, str(stage.folder)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line.decode().strip() == READY, f"the worker said {line!r}"
        yield process
    finally:
        process.kill()
        await process.wait()


def resident_bytes(pid: int) -> int:
    """The memory of a process that is not on disk (RSS)."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) * 1024
