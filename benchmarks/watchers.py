"""Many who watch one agent, and many agents that stream at once: nothing is lost, and histories are as without them."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from benchmarks.figures import Figure
from benchmarks.histories import chain_of
from benchmarks.stage import PATIENCE, open_stage, say
from benchmarks.words import prose
from sagents import Agent, Sagents, tool
from sagents.client import AgentServer
from sagents.errors import CannotAnswer
from sagents.events import Event
from sagents.messages import Message, Role, ToolCall
from sagents.ports import Delta, DeltaSink, ModelRequest, Store
from sagents.status import Status

WATCHERS, AGENTS = 50, 200
WORDS = prose(120, "reply").split()
PACE = 0.01
"""Seconds between two words of a reply."""


class Streamer:
    """Streams a reply that calls a tool twice at once, then one that says the same again."""

    name = "streamer"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        for word in WORDS:
            on_delta(Delta(text=f"{word} "))
            await asyncio.sleep(PACE)
        begins = request.messages[-1].role is Role.USER
        calls = (ToolCall(call_id=f"c{n}", name="look_up", arguments={"number": n}) for n in range(2 * begins))
        return Message.assistant("".join(f"{word} " for word in WORDS), tool_calls=tuple(calls))


@tool
async def look_up(number: int) -> str:
    """Look something up; the first call takes longer than the second."""
    await asyncio.sleep(0.05 if number == 0 else 0)
    return f"found {number}"


def streaming_app() -> Sagents:
    app = Sagents()
    app.agent("streamer", Agent(model=Streamer(), tools=[look_up], default_middleware=False))
    return app


@dataclass
class Watch:
    """What one who watches has heard."""

    agent_id: str
    heard: list[Event] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return [event.id for event in self.heard if event.id is not None]

    @property
    def text(self) -> str:
        """All that streamed, as it came."""
        deltas: list[Any] = [delta for one in self.heard for delta in one.data.get("deltas", ())]  # type: ignore[union-attr]
        return "".join(delta["text"] for delta in deltas)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended: a rest after both replies."""
        types = [one.type for one in self.heard]
        last = self.heard[-1]
        return types.count("llm_message") == 2 and last.type == "status_changed" and last.data["status"] != "running"

    async def listen(self, server: AgentServer) -> None:
        """From the first event to the end of the run."""
        async with aclosing(server.watch(self.agent_id, after=0)) as events:
            async for event in events:
                self.heard.append(event)
                if self.is_over:
                    return


@dataclass
class Crowd:
    """Agents that all stream at once, and who watches them."""

    server: AgentServer
    _few: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))

    async def run(self, agents: int, watchers: int = 0) -> tuple[list[str], list[Watch]]:
        """Ids of as many agents, each after one run; the first has so many who watch, each other one of them."""
        ids = [f"streamer-{uuid4().hex[:8]}" for _ in range(agents)]
        watches = [Watch(ids[0]) for _ in range(watchers)] + [Watch(one) for one in ids[1:] if watchers]
        listening = [asyncio.create_task(watch.listen(self.server)) for watch in watches]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(self._start(one) for one in ids))
            await asyncio.gather(*(self._talk(one) for one in ids))
            await asyncio.gather(*listening)
        return ids, watches

    async def _start(self, agent_id: str) -> None:
        """A few at a time: what is measured comes after it."""
        async with self._few:
            await self.server.start("streamer", agent_id=agent_id)
            await self.server.todos(agent_id)  # it answers when it is awake

    async def _talk(self, agent_id: str) -> None:
        await self.server.add_message(agent_id, "Hello", id="hello")
        while not await self._rests(agent_id):  # noqa: ASYNC110 (it is elsewhere)
            await asyncio.sleep(0.2)

    async def _rests(self, agent_id: str) -> bool:
        try:
            return await self.server.get_status(agent_id) is Status.IDLE
        except CannotAnswer:
            return False


async def lost_of(store: Store, watches: Sequence[Watch]) -> tuple[int, int]:
    """Stored events that somebody did not hear once and in order, and watchers who missed a word."""
    lost, silent = 0, 0
    for watch in watches:
        logged = [event.id for event in await store.events(watch.agent_id)]
        lost += len(set(logged) - set(watch.ids)) + (watch.ids != sorted(set(watch.ids)))
        silent += watch.text != "".join(f"{word} " for word in WORDS) * 2
    return lost, silent


async def history(client: Client, ids: Sequence[str]) -> Counter[str]:
    """What the histories of these agents are made of: of most of them, since a busy machine makes exceptions.

    The workflow's own tasks are left out: how many news one of them brings depends on the moment.
    """
    found = Counter[frozenset[tuple[str, int]]]()
    for agent_id in ids:
        runs = (await chain_of(client, agent_id)).runs
        names = [EventType.Name(event.event_type) for run in runs for event in run]
        found[frozenset(Counter(name for name in names if "WORKFLOW_TASK" not in name).items())] += 1
    return Counter(dict(found.most_common(1)[0][0]))


async def main() -> list[Figure]:
    async with open_stage() as stage, stage.working(streaming_app()):
        patience = timedelta(seconds=PATIENCE)
        server = AgentServer(
            stage.client, store=stage.store, channel=stage.channel, task_queue="bench", patience=patience
        )
        crowd = Crowd(server)
        alone, _ = await crowd.run(AGENTS)
        say(f"{AGENTS} agents stream, nobody watches")
        began = time.perf_counter()
        watched, watches = await crowd.run(AGENTS, WATCHERS)
        seconds = time.perf_counter() - began
        say(f"… with {len(watches)} who watch")
        lost, silent = await lost_of(stage.store, watches)
        one, other = await history(stage.client, alone), await history(stage.client, watched)
    what = f"{AGENTS} agents stream at once, {WATCHERS} watch one of them, one each other"
    return [
        Figure(f"{what}: stored events that somebody missed", lost, 0),
        Figure("… watchers who missed a word", silent),
        Figure("… events of a history more than without watchers", (other - one).total(), 0),
        Figure("… seconds", seconds),
    ]
