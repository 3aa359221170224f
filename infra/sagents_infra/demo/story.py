"""The demo from beginning to end."""

import asyncio
import os
import shlex
import subprocess
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sagents import Status
from sagents.client import AgentServer
from sagents.contract import INTERRUPTS, InterruptView
from sagents_infra.children import end
from sagents_infra.cli.following import Follower
from sagents_infra.cli.supervising import LOCAL, Child, local_environment, start_worker
from sagents_infra.demo.checking import TASK
from sagents_infra.demo.desk import SALES, Desk
from sagents_infra.demo.report import report
from sagents_infra.demo.stage import Stage
from sagents_infra.dev_server import DevServer, temporal_cli

APP = "sagents_infra.demo.app:app"
AGENT_ID = "demo"
NOTICED = int(LOCAL["SAGENTS_HEARTBEAT_TIMEOUT_MS"]) // 1000
READY = "task queue"
"""In what a worker says when it begins to work."""

MIDDLE = 2.0
"""Seconds into the tool calls, which take five."""


class DemoFailed(Exception):
    """Something went wrong that the checks at the end cannot tell."""


@dataclass
class Demo:
    """One performance in a folder of its own. What it starts ends with `stack`."""

    folder: Path
    model: str
    stack: AsyncExitStack
    stage: Stage = field(default_factory=Stage)
    workers: list[Child] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return Desk(self.folder / "desk")

    async def perform(self) -> bool:
        """Do the main job; whether everything that it claims holds."""
        self.desk.set()
        server = self._start_temporal()
        agents = await AgentServer.connect()
        self.stack.callback(agents.close)
        await self._ready(self._start_worker())
        accident = asyncio.create_task(self._kill_and_replace())
        try:
            await self._work(agents)
        finally:
            accident.cancel()
        return await report(agents, AGENT_ID, self.desk, self.stage, server.ui, scripted=not self.model)

    def _start_temporal(self) -> DevServer:
        self.stage.tell("starting Temporal's dev server: the real one, in a process of its own")
        server = DevServer.start(self.folder, tied=True)
        self.stack.callback(server.stop)
        self.stage.note(f"Temporal at {server.address}, data in {self.folder}/")
        self.stage.note(f"its Web UI at {server.ui}")
        os.environ.update(local_environment(server.address, SAGENTS_HOME=str(self.folder), MODEL=self.model))
        return server

    def _start_worker(self) -> Path:
        """Another worker; returns its log."""
        number = len(self.workers) + 1
        log = self.folder / f"worker-{number}.log"
        with log.open("wb") as output:
            worker = start_worker(APP, os.environ, output=output)
        self.stack.callback(end, worker)
        self.workers.append(worker)
        self.stage.tell(f"worker {number} started, process {worker.pid}")
        return log

    async def _ready(self, log: Path) -> None:
        """Wait until the newest worker works; it imports much."""
        while READY not in _end_of(log):
            if self.workers[-1].poll() is not None:
                raise DemoFailed(f"the worker ended at once; {log} says:\n{_end_of(log)}")
            await asyncio.sleep(0.1)

    async def _work(self, agents: AgentServer) -> None:
        """The agent's run, from the task to the last word, over a killed worker and an open question."""
        async with Follower(agents, AGENT_ID, self.stage.draw) as follower:
            await agents.start("analyst", agent_id=AGENT_ID)
            self.stage.tell(f"task: {TASK}")
            await agents.add_message(AGENT_ID, TASK)
            while await follower.until_rest() is Status.INTERRUPTED:
                await self._decide(agents)

    async def _kill_and_replace(self) -> None:
        """The worst moment for a worker to go: its tools have begun and not ended."""
        calls = 1 if self.model else len(SALES)
        while self.desk.count("attempts") < calls:  # noqa: ASYNC110 - another process writes this
            await asyncio.sleep(0.1)
        await asyncio.sleep(MIDDLE)
        victim = self.workers[-1]
        victim.kill()
        victim.wait()
        self.stage.tell(f"SIGKILL to process {victim.pid}, in the middle of its tool calls", "bold red")
        self._start_worker()
        self.stage.note(f"Temporal misses the dead worker within {NOTICED} s; then its calls go to the new one")

    async def _decide(self, agents: AgentServer) -> None:
        """A person approves, with nothing but Temporal's own command line."""
        handle = await agents.whereis(AGENT_ID)
        if handle is None:
            raise DemoFailed("the agent has left although somebody has to decide")
        for view in await handle.query(INTERRUPTS, result_type=tuple[InterruptView, ...]):
            interrupt = view.interrupt
            self.stage.tell(f"the agent waits for a person: {interrupt.message} ({interrupt.tool})", "bold yellow")
            self.stage.note("for days if need be, without a worker too; here Temporal's own command line answers:")
            self.stage.note(f"$ {view.answer_with}")
            await self._run(view.answer_with)
        while await agents.get_status(AGENT_ID) is Status.INTERRUPTED:  # noqa: ASYNC110 - another process says so
            await asyncio.sleep(0.05)

    async def _run(self, command: str) -> None:
        """A command of the real `temporal` binary, as a person would type it."""
        words = [str(temporal_cli()), *shlex.split(command)[1:]]
        done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode:
            raise DemoFailed(f"the temporal CLI ended with {done.returncode}: {done.stderr.strip()}")
        self.stage.note(done.stdout.strip())


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
