"""Fixtures for tests on a real server."""

import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def cpu_load() -> Iterator[None]:
    """A process that does nothing but keep a core busy; the tests beside this one have the other."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    busy.kill()
    busy.wait()
