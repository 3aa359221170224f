"""Watching a worker in another process, through the files that both use."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagents_infra.channels import LocalChannel
from sagents_infra.stores import SqliteStore
from tests.support.watching import AGENT, Ends, Watcher

TELLER = Path(__file__).with_name("teller.py")


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    store, channel = SqliteStore(tmp_path / "store.db"), LocalChannel(tmp_path / "channel.db")
    yield Ends(store, channel, channel)
    channel.close()
    store.close()


def teller(folder: Path, first: int, last: int, manner: str = "aloud") -> subprocess.Popen[str]:
    """A worker that is ready to announce events with these ids, and waits until it is told to."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, str(TELLER), str(folder), AGENT, str(first), str(last), manner]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.asyncio
async def test_watchers_that_come_at_any_time_hear_another_process_whole(tmp_path: Path, ends: Ends) -> None:
    # worker 1   ──1 … 400──┐
    # worker 2              └──401 … 800──
    # watchers   early ···· one comes every 60 events, after an id of its own
    await ends.append()
    processes = [teller(tmp_path, 1, 400), teller(tmp_path, 401, 800)]
    early = await Watcher(ends.watch()).begun(ends)
    watchers = [(0, early)]
    go(processes[0])
    for n in range(60, 400, 60):
        await early.wait_for(lambda n=n: n in early.heard)  # type: ignore[misc]
        watchers.append((n // 2, Watcher(ends.watch(after=n // 2))))
    await early.until(400)
    go(processes[1])
    await early.until("d800")
    for after, watcher in watchers:
        await watcher.until(800)
        assert [one for one in watcher.heard if isinstance(one, int)] == list(range(after + 1, 801))
        await watcher.end()
    deltas = [one for one in early.heard if isinstance(one, str) and one != "d-1"]
    assert deltas == [f"d{n}" for n in range(1, 801)]
    for process in processes:
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.mark.asyncio
async def test_the_last_event_of_a_worker_that_was_killed_before_it_announced_it_is_heard(
    tmp_path: Path, ends: Ends
) -> None:
    await ends.append()
    watcher = await Watcher(ends.watch()).begun(ends)
    process = teller(tmp_path, 1, 20, "silent")
    go(process)
    await watcher.until(20)
    assert [one for one in watcher.heard if isinstance(one, int)] == list(range(1, 21))
    await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == -signal.SIGKILL
    await watcher.end()
