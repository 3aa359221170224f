"""The channel over a real Redis: between processes, over its end and return, and what stays in it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sagents.errors import InvalidInput, StoreUnavailable
from sagents.events import Event
from sagents_infra.channels import redis_streams
from sagents_infra.channels.redis_streams import RedisChannel
from sagents_infra.channels.wire import written
from sagents_infra.dev_server import free_port
from tests.support.redis_server import RedisServer

AGENT = "conversation-1"
Begun = tuple[AsyncGenerator[Event, None], asyncio.Task[Event]]
SPEAKER = Path(__file__).with_name("redis_speaker.py")


@pytest.fixture
def channel(own_redis: RedisServer) -> Iterator[RedisChannel]:
    channel = RedisChannel(own_redis.url)
    yield channel
    channel.close()


def an_event(n: int, agent_id: str = AGENT) -> Event:
    return Event(agent_id=agent_id, type="delta", at=datetime.now(UTC), data={"n": n})


async def begin(channel: RedisChannel, agent_id: str = AGENT) -> Begun:
    """A listener that certainly listens, and its first event to come."""
    events = channel.listen(agent_id)

    async def hear() -> Event:
        return await anext(events)

    first = asyncio.create_task(hear())
    await asyncio.sleep(0)
    await asyncio.wrap_future(channel._thread.submit(lambda: None))  # done in order: the listener began before
    return events, first


async def heard(events: AsyncGenerator[Event, None], first: asyncio.Task[Event], until: int) -> list[object]:
    """The numbers up to this one."""
    async with asyncio.timeout(30):
        numbers: list[object] = [(await first).data["n"]]
        while numbers[-1] != until:
            numbers.append((await anext(events)).data["n"])
    return numbers


def speaker(url: str, agent_id: str, times: int) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, str(SPEAKER), url, agent_id, str(times)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.asyncio
async def test_several_processes_are_heard_each_in_its_order(own_redis: RedisServer, channel: RedisChannel) -> None:
    processes = [speaker(own_redis.url, f"agent-{n}", 200) for n in range(2)]
    begun = [await begin(channel, f"agent-{n}") for n in range(2)]
    for process in processes:
        go(process)
    for events, first in begun:
        assert await heard(events, first, 199) == list(range(200))
        await events.aclose()
    for process in processes:
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.mark.asyncio
async def test_a_speaker_killed_in_the_middle_harms_nobody(own_redis: RedisServer, channel: RedisChannel) -> None:
    process = speaker(own_redis.url, AGENT, 1_000_000)
    events, first = await begin(channel)
    go(process)
    await asyncio.wait_for(asyncio.shield(first), 30)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    await channel.publish(AGENT, [an_event(-7)])
    assert (await heard(events, first, -7))[-1] == -7
    await events.aclose()


@pytest.mark.asyncio
async def test_who_listens_goes_on_when_redis_comes_back(own_redis: RedisServer, channel: RedisChannel) -> None:
    events, first = await begin(channel)
    await channel.publish(AGENT, [an_event(1)])
    assert await heard(events, first, 1) == [1]
    with capture_logs() as logs:
        own_redis.stop()
        await channel.publish(AGENT, [an_event(2)])
        await _until(lambda: any(line["event"] == "live events cannot be read" for line in logs))
    assert [line["agent_id"] for line in logs if line["event"] == "events not published"] == [AGENT]
    own_redis.start()
    await channel.publish(AGENT, [an_event(3)])
    assert (await asyncio.wait_for(anext(events), 30)).data["n"] == 3
    await events.aclose()


async def _until(true: Callable[[], bool]) -> None:
    await asyncio.to_thread(_wait_until, true)


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, true
        time.sleep(0.01)


@pytest.mark.asyncio
async def test_what_was_published_while_a_reader_was_cut_off_is_heard(
    own_redis: RedisServer, channel: RedisChannel
) -> None:
    """Redis keeps it for a while, and the reader goes on where it was."""
    other = RedisChannel(own_redis.url)
    events, first = await begin(channel)
    await other.publish(AGENT, [an_event(0)])
    await asyncio.wait_for(asyncio.shield(first), 30)
    for n in range(1, 50):
        await other.publish(AGENT, [an_event(n)])
        if n % 10 == 0:
            other._writer.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert await heard(events, first, 49) == list(range(50))
    await events.aclose()
    other.close()


@pytest.mark.asyncio
async def test_who_joins_a_process_that_waits_for_news_does_not_wait_for_them(
    own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_streams, "BLOCK", timedelta(minutes=5))
    channel = RedisChannel(own_redis.url)
    silent, none = await begin(channel, "silent")
    await _until(lambda: _blocked(channel) == 1)
    events, first = await begin(channel)
    await channel.publish(AGENT, [an_event(1)])
    assert await heard(events, first, 1) == [1]
    await asyncio.to_thread(channel.close)  # and its end waits for no news, either
    for listening, task in ((silent, none), (events, first)):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await listening.aclose()


def _blocked(channel: RedisChannel) -> int:
    return int(channel._thread.submit(channel._writer.info, "clients").result()["blocked_clients"])


@pytest.mark.asyncio
async def test_nothing_from_before_reaches_who_joins_a_reader_that_is_behind(channel: RedisChannel) -> None:
    old: Sequence[tuple[str, dict[str, str]]] = [("1-0", {"events": written([an_event(1)])})]
    await channel.publish(AGENT, [an_event(2)])
    events, first = await begin(channel)
    channel._give_out(AGENT, old)
    await channel.publish(AGENT, [an_event(3)])
    assert await heard(events, first, 3) == [3]
    await events.aclose()


@pytest.mark.asyncio
async def test_a_listener_that_is_cancelled_while_it_begins_leaves_nothing_behind(
    channel: RedisChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def newest(*_: object, **__: object) -> list[object]:
        asked.set()
        answer.wait(20)
        return []

    monkeypatch.setattr(channel._writer, "xrevrange", newest)
    events = channel.listen(AGENT)
    first = asyncio.ensure_future(anext(events))
    await asyncio.to_thread(asked.wait, 20)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    answer.set()
    await asyncio.wrap_future(channel._thread.submit(lambda: None))
    assert not channel._listeners
    assert not channel._since


@pytest.mark.asyncio
async def test_redis_forgets_what_is_old(own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_streams, "MOST_KEPT", 10)
    channel = RedisChannel(own_redis.url)
    for n in range(500):
        await channel.publish(AGENT, [an_event(n)])
    redis, stream = channel._writer, redis_streams._stream(AGENT)
    assert redis.xlen(stream) < 500
    assert 0 < redis.pttl(stream) <= 60_000
    channel.close()


@pytest.mark.asyncio
async def test_an_agent_goes_on_without_redis_and_who_wants_to_listen_learns_it() -> None:
    channel = RedisChannel(f"redis://127.0.0.1:{free_port()}/0")
    began = time.monotonic()
    with capture_logs() as logs:
        await channel.publish(AGENT, [an_event(1)])
    assert time.monotonic() - began < 30
    assert [(line["event"], line["agent_id"]) for line in logs] == [("events not published", AGENT)]
    with pytest.raises(StoreUnavailable, match="Redis is out of reach"):
        await anext(channel.listen(AGENT))
    await asyncio.to_thread(channel.close)
    with capture_logs() as logs:
        await channel.publish(AGENT, [an_event(1)])
    assert [line["event"] for line in logs] == ["events not published"]


@pytest.mark.asyncio
async def test_a_publisher_waits_for_a_silent_redis_a_moment_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(redis_streams, "PATIENCE", timedelta(milliseconds=200))
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        channel = RedisChannel(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        with capture_logs() as logs:
            async with asyncio.timeout(20):
                await channel.publish(AGENT, [an_event(1)])
        assert [line["event"] for line in logs] == ["events not published"]
        await asyncio.to_thread(channel.close)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(InvalidInput, match="redis://HOST"):
        RedisChannel("http://localhost")
