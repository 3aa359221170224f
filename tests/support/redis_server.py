"""A real Redis on loopback, where the machine has one."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from sagents_infra.dev_server import free_port


class RedisServer:
    """A server that keeps nothing on disk. It can be ended and started again at its port."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        found = shutil.which("redis-server")
        if found is None:
            pytest.skip("no redis-server is on the PATH (Debian: apt-get install redis-server)")
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --loglevel warning --dir {self._folder}".split()
        self._process = subprocess.Popen([found, *options, "--save", ""], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
