"""Functions as AWS Lambda runs them: AWS's own runtime client, in a process that Lambda's own emulator starts.

    Function.invoke ──POST──▶ aws-lambda-rie ◀──next, answer── python -m awslambdaric HANDLER

The process starts with the first invocation and is warm for the next; one invocation runs at a time.
"""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from sagents_infra import children
from sagents_infra.dev_server import free_port
from tools.set_up import EMULATOR

MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
IS_HERE = sys.platform == "linux" and platform.machine() in MACHINES
"""Whether the emulator is a program for this machine; then `make test` has set it up."""

BINARY = EMULATOR / f"samcli/local/rapid/aws-lambda-rie-{MACHINES.get(platform.machine(), '')}"
ITS_OWN = ("START ", "END ", "REPORT ", "INIT_START ")
"""How the emulator's lines in a function's log begin."""


class Cut(Exception):
    """The invocation took longer than the function may; Lambda has killed the process."""


@dataclass
class Function:
    """A function that runs. Threads may invoke it: those who come while it works wait."""

    process: "subprocess.Popen[bytes]"
    url: str
    output: Path
    _one: Lock = field(default_factory=Lock)

    def invoke(self, event: Any, within: float = 60) -> Any:
        """What Lambda has for an answer: what the handler returned, or what the runtime says of its error."""
        with self._one:
            answer = httpx.post(self.url, content=json.dumps(event), timeout=within)
        assert answer.status_code == 200, self.told
        if answer.text.startswith("Task timed out"):
            raise Cut(answer.text)
        return json.loads(answer.text)

    @property
    def pid(self) -> int:
        """Of the process that runs the handler."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        (child,) = [int(pid) for task in tasks for pid in task.read_text().split()]
        return child

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """As between two invocations: nothing in it runs, and who invokes it waits."""
        with self._one:
            os.kill(self.pid, signal.SIGSTOP)
            try:
                yield
            finally:
                os.kill(self.pid, signal.SIGCONT)

    @property
    def told(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def logged(self) -> list[str]:
        """The lines that handler and runtime client wrote."""
        return [line for line in self.told.splitlines() if line and not line.startswith(ITS_OWN)]


@contextmanager
def running(handler: str, folder: Path, environment: Mapping[str, str], output: Path) -> Iterator[Function]:
    """A function with this environment and no other, and `folder` for its package."""
    port, client_port = free_port(), free_port()
    places = {"interface-emulator": port, "api": client_port}
    listening = [part for name, at in places.items() for part in (f"--runtime-{name}-address", f"127.0.0.1:{at}")]
    command = [str(BINARY), "--log-level", "error", *listening, sys.executable, "-m", "awslambdaric", handler]
    with output.open("wb") as out:
        process = subprocess.Popen(
            children.tied(command), cwd=folder, env=dict(environment), stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
    try:
        _wait_for(port, process, output)
        yield Function(process, f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations", output)
    finally:
        children.end(process)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError(f"The emulator does not listen: {output.read_text(errors='replace')[-500:]}")
