"""Whoever watches sees each stored event once and in order, on a real server, and costs the workflow nothing."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import timedelta
from functools import partial
from itertools import chain

import pytest

from benchmarks.watchers import Crowd, history, lost_of, streaming_app
from sagents import Agent, Sagents, Status, tool
from sagents.client import AgentServer, watching
from sagents.client.watching import watch
from sagents.events import Event
from sagents.limits import Limits
from sagents.messages import Message
from sagents.ports import Delta, DeltaSink, ModelRequest, News
from sagents.streaming import StreamingSession
from sagents_infra.channels import MemoryChannel
from sagents_infra.stores import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.support.deciding import server_of
from tests.support.driving import until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user
from tests.support.watching import AGENT

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

Opened = Callable[..., AbstractAsyncContextManager[AgentEnv]]
CUTS, RECONNECTS = 200, 5
ROUNDS = ("one", "two", "three")


def app() -> Sagents:
    """Streams, calls three tools beside each other of which the last one ends first, and streams again."""

    @tool
    async def wait(turn: int) -> str:
        """Wait for a moment."""
        await asyncio.sleep(0.2 - turn * 0.08)
        return f"waited {turn}"

    def think(request: ModelRequest, on_delta: DeltaSink) -> Message:
        for word in ("Let ", "me ", "see "):
            on_delta(Delta(text=word))
        if results_since_user(request):
            return Message.assistant(f"Seen: {last_user_text(request)}")
        return asks_for(*(("wait", {"turn": turn}) for turn in range(3)))

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(think), tools=[wait], default_middleware=False))
    return app


async def live(env: AgentEnv, server: AgentServer) -> None:
    """Three rounds, over continuing as new, and one more after a sleep."""
    agent_id = env.id()
    await server.start("helper", agent_id=agent_id)
    for text in ROUNDS:
        await said(server, agent_id, text)
    runs = {run.run_id async for run in env.client.list_workflows(f'WorkflowId = "{agent_id}"')}
    assert len(runs) > 1, "it has not continued as new"
    await server.stop(agent_id)
    await until(partial(_has, server, agent_id, Status.NOT_RUNNING))
    await said(server, agent_id, "four")


async def said(server: AgentServer, agent_id: str, text: str) -> None:
    await server.add_message(agent_id, text, id=text)

    async def heard() -> bool:
        return (await server.messages(agent_id))[-1].text == f"Seen: {text}"

    await until(heard)
    await until(partial(_has, server, agent_id, Status.IDLE))


async def _has(server: AgentServer, agent_id: str, status: Status) -> bool:
    return await server.get_status(agent_id) is status


class Tape(MemoryChannel):
    """A channel that keeps what was published."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[Event, ...]] = []

    async def publish(self, agent_id: str, events: Sequence[Event]) -> None:
        self.batches.append(tuple(events))
        await super().publish(agent_id, events)


async def test_five_reconnects_lose_nothing_and_repeat_nothing(agent_env: Opened) -> None:
    """B-130: over the sleep of its agent, its waking and continuing as new, whoever watches just goes on."""
    draw, heard = random.Random(5), list[int]()

    async def watcher(server: AgentServer, agent_id: str, connection: int) -> None:
        """Hears some events more, then the line breaks; the last connection stays."""
        most = draw.randint(5, 15) if connection < RECONNECTS else 10**6
        async with aclosing(server.watch(agent_id, after=heard[-1] if heard else 0)) as events:
            async for event in events:
                if event.id is not None:
                    heard.append(event.id)
                    most -= 1
                if most <= 0:
                    return

    async def watches(server: AgentServer, agent_id: str) -> None:
        for connection in range(RECONNECTS + 1):
            await watcher(server, agent_id, connection)

    async with agent_env(app(), limits=Limits(parked_events=30)) as env:
        server = server_of(env)
        watching_ = asyncio.create_task(watches(server, env.id()))
        await live(env, server)
        logged = [event.id or 0 for event in await env.store.events(env.id())]
        await until(partial(_came_to, heard, logged[-1]))
        watching_.cancel()
    assert heard == list(range(1, logged[-1] + 1)) == logged


async def _came_to(heard: list[int], last: int) -> bool:
    return bool(heard) and heard[-1] >= last


# 200 cuts of a recorded log


async def recorded(agent_env: Opened) -> list[tuple[Event, ...]]:
    """All that was published of an agent's life, batch by batch."""
    async with agent_env(app(), limits=Limits(parked_events=30), worker=False) as env:
        env.channel = tape = Tape()
        async with env.worker():
            await live(env, server_of(env))
    return tape.batches


class Rerun:
    """The recorded life once more, in memory: what is published gets lost, late and doubled as a seed says."""

    def __init__(self, batches: Sequence[tuple[Event, ...]], seed: int) -> None:
        self.store, self.channel = MemoryStore(), MemoryChannel()
        self._batches, self._draw = batches, random.Random(seed)
        self.last = max(event.id or 0 for event in chain(*batches))
        self.cut = self._draw.randint(1, self.last - 1)
        self.session = StreamingSession()
        self.heard: list[int] = []

    async def watched(self) -> list[int]:
        """The ids that somebody hears whose line breaks once, at the cut."""
        await self.store.take_over(AGENT, "run", 0)
        living = asyncio.create_task(self._live())
        for last in (self.cut, self.last):
            async with aclosing(watch(self.store, self.channel, AGENT, self.cut if self.heard else 0)) as events:
                await self._listen(events, last)
        await living
        return self.heard

    async def _listen(self, events: AsyncGenerator[Event, None], last: int) -> None:
        async for event in events:
            self.session = self.session.after(event)
            if event.id is not None:
                self.heard.append(event.id)
                if event.id >= last:
                    return

    async def _live(self) -> None:
        late: list[Event] = []
        for batch in self._batches:
            news = [News(slot=str(event.id), event=event) for event in batch if event.id is not None]
            stored = {event.id: event for event in await self.store.append(AGENT, news, "run")}
            assert all(event.id in stored for event in batch if event.id), "ids are those of the record"
            told = [event for event in batch if self._draw.random() < 0.8]
            self._draw.shuffle(told)
            await self.channel.publish(AGENT, [*told, *late])
            late = [event for event in batch if self._draw.random() < 0.2]
            for _ in range(self._draw.randint(0, 4)):
                await asyncio.sleep(0)


async def test_two_hundred_cuts_of_a_recorded_log_lose_nothing_and_repeat_nothing(
    agent_env: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls ended out of order in it, the agent slept, woke, and continued as new."""
    batches = await recorded(agent_env)
    types = [event.type for event in chain(*batches)]
    assert types.count("agent_shutdown") == 1
    assert types.count("tool_execution_update") == 4 * 6
    monkeypatch.setattr(watching, "SOON", timedelta(milliseconds=1))
    monkeypatch.setattr(watching, "SELDOM", timedelta(milliseconds=4))
    for seed in range(CUTS):
        rerun = Rerun(batches, seed)
        async with asyncio.timeout(20):
            assert await rerun.watched() == list(range(1, rerun.last + 1)), f"seed {seed}, cut at {rerun.cut}"
        assert rerun.session.message is None


# Many at once


async def test_twenty_agents_that_stream_and_ten_who_watch_one_lose_nothing_and_lengthen_no_history(
    agent_env: Opened,
) -> None:
    """`python -m benchmarks watchers` does it with 200 and 50."""
    async with agent_env(streaming_app()) as env:
        server = server_of(env)
        crowd = Crowd(server)
        async with asyncio.timeout(120):
            alone, _ = await crowd.run(20)
            watched, watches = await crowd.run(20, watchers=10)
        assert len(watches) == 29
        assert await lost_of(env.store, watches) == (0, 0)
        assert await history(env.client, watched) == await history(env.client, alone)
