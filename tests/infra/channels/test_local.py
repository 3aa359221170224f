"""The local channel between real processes, and when its file is not what it should be."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents_infra.channels import LocalChannel, local
from sagents_infra.channels.listeners import Listener

AGENT = "conversation-1"
SPEAKER = Path(__file__).with_name("speaker.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "channel.sqlite"


@pytest.fixture
def channel(path: Path) -> Iterator[LocalChannel]:
    channel = LocalChannel(path)
    yield channel
    channel.close()


def an_event(n: int, agent_id: str = AGENT) -> Event:
    return Event(agent_id=agent_id, type="delta", at=datetime.now(UTC), data={"n": n})


def speaker(path: Path, agent_id: str, times: int) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, str(SPEAKER), str(path), agent_id, str(times)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)


def ready(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


async def begin(channel: LocalChannel, agent_id: str) -> tuple[AsyncGenerator[Event, None], "asyncio.Future[Event]"]:
    """A listener and its first event to come."""
    events = channel.listen(agent_id)
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    await channel.publish("nobody", [an_event(0)])  # done in order on the file's thread: the listener began before
    return events, first


@pytest.mark.asyncio
async def test_several_processes_are_heard_each_in_its_order(path: Path, channel: LocalChannel) -> None:
    agents = [f"agent-{n}" for n in range(4)]
    processes = [ready(speaker(path, agent, 100)) for agent in agents]
    begun = [await begin(channel, agent) for agent in agents]
    for process in processes:
        go(process)
    for events, first in begun:
        async with asyncio.timeout(30):
            heard = [await first] + [await anext(events) for _ in range(99)]
        assert [event.data["n"] for event in heard] == list(range(100))
        await events.aclose()
    for process in processes:
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.mark.asyncio
async def test_a_speaker_killed_in_the_middle_harms_nobody(path: Path, channel: LocalChannel) -> None:
    process = ready(speaker(path, AGENT, 1_000_000))
    events, first = await begin(channel, AGENT)
    go(process)
    await asyncio.wait_for(first, 30)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    async with asyncio.timeout(30):
        await channel.publish(AGENT, [an_event(-7)])
        while (await anext(events)).data["n"] != -7:
            pass
    await events.aclose()


@pytest.mark.asyncio
async def test_old_news_are_trimmed_and_later_ones_still_heard(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "KEEP", timedelta(0))
    monkeypatch.setattr(local, "TRIM_EVERY", timedelta(0))
    channel, other = LocalChannel(path), LocalChannel(path)
    for n in range(20):
        await channel.publish(AGENT, [an_event(n)])
    assert await channel._file.read(lambda db: db.execute("SELECT count(*) FROM news").fetchone()) == (1,)
    await channel._file.read(lambda db: db.execute("DELETE FROM news").fetchall())
    events, first = await begin(other, AGENT)
    monkeypatch.undo()
    await channel.publish(AGENT, [an_event(20)])
    assert (await asyncio.wait_for(first, 30)).data["n"] == 20
    await events.aclose()
    channel.close()
    other.close()


@pytest.mark.asyncio
async def test_an_agent_goes_on_when_its_events_cannot_be_published(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    channel = LocalChannel(tmp_path / "file" / "channel.sqlite")
    with capture_logs() as logs:
        await channel.publish(AGENT, [an_event(1), an_event(2)])
    channel.close()
    await channel.publish(AGENT, [an_event(3)])
    assert [(line["event"], line["agent_id"], line["events"]) for line in logs] == [("events not published", AGENT, 2)]
    assert "out of reach" in logs[0]["error"]


@pytest.mark.asyncio
async def test_a_publisher_waits_for_a_stuck_disk_a_moment_and_no_longer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "BUSY", timedelta(minutes=1))  # SQLite itself waits so long
    channel = LocalChannel(path)
    await channel.publish(AGENT, [an_event(0)])
    monkeypatch.setattr(local, "PATIENCE", timedelta(milliseconds=20))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with capture_logs() as logs:
        async with asyncio.timeout(30):
            await channel.publish(AGENT, [an_event(1)])
    other.execute("ROLLBACK")
    other.close()
    channel.close()
    assert [line["error"] for line in logs] == ["TimeoutError()"]


@pytest.mark.asyncio
async def test_who_wants_to_listen_learns_that_the_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    channel = LocalChannel(tmp_path / "file" / "channel.sqlite")
    with pytest.raises(StoreUnavailable, match="out of reach"):
        await anext(channel.listen(AGENT))
    channel.close()


@pytest.mark.asyncio
async def test_a_listener_that_is_cancelled_while_it_begins_leaves_nothing_behind(
    channel: LocalChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()
    begin = channel._begin

    def slowly(db: sqlite3.Connection, listener: Listener) -> None:
        asked.set()
        answer.wait(20)
        begin(db, listener)

    monkeypatch.setattr(channel, "_begin", slowly)
    first = asyncio.ensure_future(anext(channel.listen(AGENT)))
    await asyncio.to_thread(asked.wait, 20)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    answer.set()
    await channel._file.read(lambda db: None)
    assert not channel._listeners


@pytest.mark.asyncio
async def test_a_listener_outlives_a_moment_in_which_the_file_cannot_be_read(
    path: Path, channel: LocalChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LocalChannel(path)
    events, first = await begin(channel, AGENT)
    look = channel._look
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail_once(db: sqlite3.Connection) -> None:
        if not failed.is_set():
            loop.call_soon_threadsafe(failed.set)
            raise sqlite3.OperationalError("disk I/O error")
        look(db)

    monkeypatch.setattr(channel, "_look", fail_once)
    await asyncio.wait_for(failed.wait(), 30)
    await other.publish(AGENT, [an_event(1)])
    assert (await asyncio.wait_for(first, 30)).data["n"] == 1
    await events.aclose()
    other.close()


@pytest.mark.asyncio
async def test_news_that_this_version_does_not_understand_are_skipped(path: Path, channel: LocalChannel) -> None:
    other = LocalChannel(path)
    events, first = await begin(channel, AGENT)
    strange = 'INSERT INTO news (agent_id, at, events) VALUES (?, 0, \'[{"from":"the future"}]\')'
    await other._file.read(lambda db: db.execute(strange, (AGENT,)).fetchall())
    await other.publish(AGENT, [an_event(1)])
    assert (await asyncio.wait_for(first, 30)).data["n"] == 1
    await events.aclose()
    other.close()


@pytest.mark.asyncio
async def test_nobody_looks_while_nobody_listens(channel: LocalChannel) -> None:
    """Idle is free: the thread that looks sleeps between listeners."""
    events, first = await begin(channel, AGENT)
    assert channel._wanted.is_set()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await events.aclose()
    async with asyncio.timeout(30):
        while channel._wanted.is_set():  # noqa: ASYNC110 (a flag between threads)
            await asyncio.sleep(0.01)
    events, first = await begin(channel, AGENT)
    await channel.publish(AGENT, [an_event(1)])
    assert (await asyncio.wait_for(first, 30)).data["n"] == 1
    await events.aclose()


@pytest.mark.asyncio
async def test_a_channel_that_closes_while_it_looks_for_the_last_time_ends(path: Path) -> None:
    # listener ──leaves──
    # looker   ────────────looks──nobody there: wait for one?──x the channel is closed: end
    # closer   ──────────────closes─────────────────────────────waits for the looker
    channel = LocalChannel(path)
    _events, first = await begin(channel, AGENT)
    closing = asyncio.get_running_loop().create_future()

    def look_while_closing(db: sqlite3.Connection) -> None:
        closer = threading.Thread(target=channel.close)
        closer.start()
        channel._closed.wait(10)
        closing.get_loop().call_soon_threadsafe(closing.set_result, closer)

    channel._look = look_while_closing  # type: ignore[method-assign]
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    closer = await asyncio.wait_for(closing, 30)
    await asyncio.to_thread(closer.join, 10)
    assert not closer.is_alive()
