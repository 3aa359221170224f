"""Worker processes of a test, one at a time; whenever one was killed, the next one starts."""

import asyncio
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sagents_infra.children import tied

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Workers:
    """Worker processes, one at a time. The first dies at `kill_at`; whenever one is gone, another one starts.

    `module` is run as a program: it works, and knows the places where it is to die.
    """

    environment: dict[str, str]
    log: Path
    kill_at: str = ""
    module: str = "tests.support.apps.errands"
    killed: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    _watch: "asyncio.Task[None] | None" = None

    async def __aenter__(self) -> "Workers":
        self._start(self.kill_at)
        self._watch = asyncio.create_task(self._replace())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._watch is not None
        self._watch.cancel()
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def kill(self) -> None:
        """By the hand of an operator, or of the kernel's out-of-memory killer."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)

    def _start(self, kill_at: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                tied([sys.executable, "-m", self.module]),
                cwd=ROOT,
                env={**self.environment, "KILL_AT": kill_at},
                stdout=log,
                stderr=log,
            )

    async def _replace(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            if self.process is not None and self.process.poll() is not None:
                assert self.process.returncode == -signal.SIGKILL, f"the worker ended: {self.log.read_text()[-2000:]}"
                self.killed += 1
                self._start("")
