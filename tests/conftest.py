"""What the whole test session shares: how it begins, and how it ends."""

import atexit
import os
import sys
from collections.abc import Generator

import pytest

from sagents import contract
from sagents.frozen import build_all

# Bytecode is kept, whatever the machine likes. Each of the many processes of this suite, and each workflow's sandbox in
# them, would compile all that it imports again: that was a third of the suite's time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# As a worker does before it begins: the first test of a property would pay for it, and has 200 ms for an example.
contract.load_all()
build_all()


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


@pytest.fixture(autouse=True)
def events_fit_their_models(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    """In every test with real agents, what they announce is what the models of events say."""
    if "agent_env" not in request.fixturenames:
        yield
        return
    from tests.support.checked_events import checked_events

    with checked_events() as found:
        yield
    assert found == []
