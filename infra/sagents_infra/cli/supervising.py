"""The process tree of `sagents dev`: started together, started again when killed, ended together."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rich.console import Console

from sagents import SagentsError
from sagents_infra.children import end, tied
from sagents_infra.cli import places
from sagents_infra.cli.failing import CANNOT_ANSWER, OK
from sagents_infra.cli.output import console
from sagents_infra.cli.reload import changes
from sagents_infra.dev_server import DevServer

LOOK_EVERY = 0.2
MOST_DEATHS = 5
"""Within a minute. What dies more often has a problem that starting again does not mend."""

LOCAL = {"SAGENTS_HEARTBEAT_TIMEOUT_MS": "5000", "SAGENTS_STICKY_TIMEOUT_MS": "1500", "SAGENTS_ROLLING_DEPLOY_MS": "0"}
"""One machine, one worker: what is lost is noticed soon, and what is unknown is known nowhere else."""

Child = subprocess.Popen[bytes]


@dataclass
class Dev:
    """A dev server, a worker and, unless its port is 0, the HTTP API, while `run` runs."""

    home: Path
    spec: str
    port: int
    ui_port: int
    http_port: int
    reloading: bool
    console: Console = field(default_factory=console)

    async def run(self) -> int:
        """Until Ctrl-C, or until something is wrong that only a person can mend; the exit code."""
        stopping, changed = asyncio.Event(), asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(name, stopping.set)
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._server = self._start_server()
        self._worker = self._start_worker()
        self._http = self._start_http()
        self._say_where()
        watching = asyncio.create_task(changes(Path.cwd(), changed)) if self.reloading else None
        code: int | None = None
        try:
            while code is None and not stopping.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
                    break
                code = self._look(changed)
        finally:
            if watching:
                watching.cancel()
            for child in (self._http, self._worker):
                if child is not None:
                    end(child)
            self._server.stop()
        if code is None:
            self.console.print(f"ended    agents stay in {self.home}/; the next `sagents dev` goes on", style="dim")
        return code or OK

    def _look(self, changed: asyncio.Event) -> int | None:
        """Start again what was killed or has changed; an exit code where that is no help."""
        if self._server.process.poll() is not None:
            self._died(f"temporal ended; {self._server.log} may say why. Starting it again")
            self._server = self._start_server()
        if changed.is_set():
            changed.clear()
            self.console.print("reload   code has changed", style="dim")
            end(self._worker)
            self._worker = self._start_worker()
            self._restart_http()
        elif (code := self._worker.poll()) is not None:
            if code > 0 and code != CANNOT_ANSWER:
                return None if self.reloading else code  # it has said why; with --reload the next change mends it
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else "ended"
            self._died(f"worker   was {how}; another one takes over")
            self._worker = self._start_worker()
        elif self._http is not None and (code := self._http.poll()) is not None:
            if code < 0:
                self._died("http     was killed; another one takes over")
            self._http = self._start_http() if code < 0 else None  # else it has said why
        return None

    def _restart_http(self) -> None:
        """It knows the names of the application's agents."""
        if self._http is not None:
            end(self._http)
        self._http = self._start_http()

    def _died(self, what: str) -> None:
        now = time.monotonic()
        if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] < 60:
            raise SagentsError(f"{what}: but that was the {MOST_DEATHS + 1}th time within a minute, so this ends here.")
        self._deaths.append(now)
        self.console.print(what, style="yellow")

    def _start_server(self) -> DevServer:
        return DevServer.start(self.home, port=self.port, ui_port=self.ui_port, tied=True)

    def _start_worker(self) -> Child:
        return start_worker(self.spec, local_environment(self._server.address))

    def _start_http(self) -> Child | None:
        if not self.http_port:
            return None
        arguments = ["serve", "--port", str(self.http_port), "--or-any", *(["--app", self.spec] if self.spec else [])]
        return start_child(arguments, local_environment(self._server.address))

    def _say_where(self) -> None:
        places.announce(self.home, self._server.address, self._server.ui)
        self.console.print(f"temporal {self._server.address}, data in {self.home}/")
        self.console.print(f"web ui   {self._server.ui}")
        self.console.print("next     `sagents chat` in another terminal, in this folder; Ctrl-C ends all", style="dim")


def start_worker(spec: str, environment: Mapping[str, str], output: IO[bytes] | None = None) -> Child:
    """A worker process of its own; it ends with this one."""
    return start_child(["worker", *(["--app", spec] if spec else [])], environment, output)


def start_child(arguments: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None = None) -> Child:
    """A command of `sagents` in a process of its own."""
    command = [sys.executable, "-m", "sagents_infra.cli", *arguments]
    return subprocess.Popen(
        tied(command),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C on the terminal is for whoever started it
    )


def local_environment(address: str, **more: str) -> Mapping[str, str]:
    """The environment of a worker beside a local server: this one, without what leads to another Temporal."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return {**LOCAL, **inherited, **places.temporal_environment(address), **more}
