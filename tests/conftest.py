"""What the whole test session shares: how it ends."""

import atexit
import os
import sys
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main() -> Generator[None, int, int]:
    """End the process by `os._exit`, once everything is reported.

    After a Temporal Worker ran in a process, the interpreter's own end dies by a signal in a part of all runs: threads
    of its native core still call into an interpreter that goes away. This hook is the outermost of a session,
    in pytest-xdist's controller and in its workers alike, so nothing is left to do but what `atexit` holds.
    """
    code = yield
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
