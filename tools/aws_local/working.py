"""Steps of a long job: what is done, how long it takes, and the last words of what failed."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.set_up import Failed, say

EVERY = 5.0
"""Seconds after which a step says that it is still at work."""

BEGAN = time.monotonic()


@contextmanager
def step(what: str) -> Iterator[None]:
    began = time.monotonic()
    say(f"[{began - BEGAN:4.0f} s] {what}")
    yield
    say(f"         done in {time.monotonic() - began:.1f} s")


def note(text: str) -> None:
    say(f"         {text}")


def run(log: Path, *command: str | Path, env: Mapping[str, str], cwd: Path, patience: float = 240) -> None:
    """Run a command that writes to a log; says that it is at work, and raises `Failed` with the end of the log."""
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            wait(lambda: child.poll() is not None, Path(command[0]).name, patience)
        finally:
            child.kill()
            child.wait()
    if child.returncode:
        raise Failed(f"{Path(command[0]).name} failed; {log} ends with:\n{last_words(log)}")


def last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:].strip()


def wait(is_so: Callable[[], bool], what: str, patience: float, pause: float = 0.1) -> None:
    """Until it is so. Raises `Failed` after `patience` seconds."""
    began = time.monotonic()
    told = began
    while not is_so():
        now = time.monotonic()
        if now - began > patience:
            raise Failed(f"{what}: not done after {patience:.0f} s")
        if now - told >= EVERY:
            note(f"… {now - began:.0f} s")
            told = now
        time.sleep(pause)
