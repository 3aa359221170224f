"""A project in a folder, its `sagents dev`, and the commands that a person types beside it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from typer.testing import CliRunner

from sagents_infra.cli.app import app
from sagents_infra.dev_server import free_port

COMMAND = (sys.executable, "-m", "sagents_infra.cli")
PATIENCE = 40.0

APP = '''
import asyncio

from sagents import Agent, Sagents, ask, tool
from sagents.testing import ScriptedModel, calls, says

app = Sagents()


@tool(approval=ask())
def refund(order: str) -> str:
    """Refund an order."""
    return f"refunded {order}"


@tool
async def wait() -> str:
    """Wait for ever."""
    await asyncio.sleep(600)
    return "done"


script = ScriptedModel(
    says("Hello there."), calls(refund, order="7"), says("It is done."), calls(wait), says("Never mind.")
)
app.agent("desk", Agent(model=script, tools=[refund, wait]))
'''


def environment() -> dict[str, str]:
    """This environment, without what leads to another Temporal or another project."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "SAGENTS_"))}


@dataclass
class House:
    """A project's folder."""

    folder: Path
    port: int = field(default_factory=free_port)
    dev: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        (self.folder / "app.py").write_text(APP)

    @property
    def log(self) -> str:
        path = self.folder / "dev.log"
        return path.read_text() if path.exists() else ""

    def start(self, *options: str) -> "House":
        """Start `sagents dev` and wait until its worker is there."""
        before = self.log.count("task queue")
        with (self.folder / "dev.log").open("ab") as log:
            command = [*COMMAND, "dev", "--port", str(self.port), "--http-port", "0", *options]
            self.dev = subprocess.Popen(command, cwd=self.folder, env=environment(), stdout=log, stderr=log)
        self.until(lambda: self.log.count("task queue") > before)
        return self

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.dev is not None
        self.dev.send_signal(signal.SIGINT)
        return self.dev.wait(timeout=PATIENCE)

    def end(self) -> None:
        if self.dev is not None and self.dev.poll() is None:
            self.interrupt()

    def sagents(self, *arguments: str, text: str | None = None, expect: int = 0) -> str:
        """Type a command in this folder; what it prints. In this process: importing everything takes a second."""
        with chdir(self.folder), patch.dict(os.environ, environment(), clear=True):
            done = CliRunner().invoke(app, list(arguments), input=text)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == expect, f"{arguments}: {done.exit_code}\n{done.output}\n{self.log}"
        return done.output

    def process(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """A command as a process of its own."""
        given = {**environment(), **more}
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        return json.loads(self.sagents(*arguments, "--json"))

    def workers(self) -> list[int]:
        """Process ids of all workers that said that they work, oldest first."""
        return [int(number) for number in re.findall(r"task queue \S+, process (\d+)", self.log)]

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE} s in vain; sagents dev says:\n{self.log}")
            time.sleep(0.1)
