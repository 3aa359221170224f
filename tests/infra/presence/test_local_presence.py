"""Presence between real processes, and when its file is not what it should be."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sagents.errors import StoreUnavailable
from sagents.viewers import Viewer
from sagents_infra.presence import LocalPresence

TOPIC = "conversation:1"
VISITOR = Path(__file__).with_name("visitor.py")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def visitor(path: Path, viewer: str, name: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    return subprocess.Popen([sys.executable, str(VISITOR), str(path), TOPIC, viewer, name], text=True, env=env)


@pytest.mark.asyncio
async def test_processes_that_track_one_person_at_once_lose_no_connection(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "presence.sqlite"
    visitors = [visitor(path, "ada", f"process-{n}") for n in range(4)] + [visitor(path, "ben", "other")]
    assert [process.wait(60) for process in visitors] == [0] * 5
    presence = LocalPresence(path)
    viewers = await presence.viewers(TOPIC)
    presence.close()
    connections = {one.viewer: set(one.connections) for one in viewers.present}
    odd = range(1, 20, 2)
    assert connections["ada"] == {f"process-{n}-{k}" for n in range(4) for k in odd}
    assert connections["ben"] == {f"other-{k}" for k in odd}


@pytest.mark.asyncio
async def test_leases_that_ended_are_swept_out_of_the_file(tmp_path: Path) -> None:
    """E-56: entries cannot pile up."""
    now = NOON
    presence = LocalPresence(tmp_path / "presence.sqlite", lambda: now)
    until = NOON + timedelta(seconds=60)
    for n in range(50):
        await presence.join(f"conversation:{n}", Viewer(viewer="ada", connections=("tab",), until=until))
    await presence.join(TOPIC, Viewer(viewer="cli"))
    now = until
    await presence.join(TOPIC, Viewer(viewer="ben"))
    rows = await presence._file.read(lambda db: db.execute("SELECT viewer FROM presence ORDER BY viewer").fetchall())
    assert rows == [("ben",), ("cli",)]
    presence.close()


@pytest.mark.asyncio
async def test_a_file_out_of_reach_says_so_and_says_nothing_about_viewers(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    presence = LocalPresence(tmp_path / "file" / "presence.sqlite")
    with pytest.raises(StoreUnavailable, match="out of reach"):
        await presence.viewers(TOPIC)
    with pytest.raises(StoreUnavailable, match="out of reach"):
        await presence.join(TOPIC, Viewer(viewer="ada"))
    presence.close()
