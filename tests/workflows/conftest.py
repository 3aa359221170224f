"""Fixtures for tests on a real server."""

import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def cpu_load() -> Iterator[None]:
    """Two processes that do nothing but keep the machine busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield
    for process in busy:
        process.kill()
        process.wait()
