"""Messages that come just when an agent leaves, on a real server: seeded, so that a bad draw can be drawn again.

agent    ──run──idle────────────────300 ms─ ─ ─ ─save──goodbye──end
message  ───────────────────────250 ⇤ here ⇥ 350
                                                 0 ⇤  or here  ⇥ 100

Temporal fires a timer up to a second late, so that most messages around the timeout itself still meet an idle agent.
"""

import asyncio
import os
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from temporalio import activity
from temporalio.common import WorkflowIDConflictPolicy

from sagents import Agent, Lifecycle, Message, Sagents, Status, contract
from sagents.client import AgentServer
from sagents.ports import DeltaSink, ModelRequest
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.support.driving import until
from tests.support.models import Thinks, last_user_text
from tests.support.watched_store import StoreCall, WatchedStore

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(240)]

AGENTS, MESSAGES, AT_ONCE = 40, 5, 8
TIMEOUT = timedelta(milliseconds=300)


@dataclass
class Race:
    """Many conversations with an agent each, what their model was asked, and which agents have begun to leave."""

    seed: int
    asked: Counter[str] = field(default_factory=Counter)
    leaving: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    @property
    def app(self) -> Sagents:
        def think(request: ModelRequest, _: DeltaSink) -> Message:
            text = last_user_text(request)
            self.asked[text] += 1
            return Message.assistant(f"heard {text} after {len(request.messages) - 1} others")

        app = Sagents()
        app.agent("helper", Agent(model=Thinks(think)))
        return app

    async def watch(self, call: StoreCall) -> None:
        """Before each call of the store: an agent at rest that saves is one that leaves."""
        if (call.effect, call.method) == ("save", "load"):
            self.leaving[activity.info().workflow_id or ""].set()


@dataclass
class Conversation:
    """One of them, with an agent that leaves as soon as it may."""

    race: Race
    env: AgentEnv
    server: AgentServer
    number: int

    @property
    def agent_id(self) -> str:
        return self.env.id(f"racer-{self.number}")

    async def live(self, *, at_the_save: bool) -> None:
        """The first message comes to a new agent, each other one around its leaving."""
        draw = random.Random(f"{self.race.seed}:{self.number}")
        await self.server.start("helper", agent_id=self.agent_id, lifecycle=Lifecycle(inactivity_timeout=TIMEOUT))
        for message in range(MESSAGES):
            if message and at_the_save:
                await asyncio.wait_for(self.race.leaving[self.agent_id].wait(), 30)
                await asyncio.sleep(draw.uniform(0, 0.1))
            elif message:
                await asyncio.sleep(_seconds_to(await until(self._leaves_at)) + draw.uniform(-0.05, 0.05))
            self.race.leaving[self.agent_id].clear()
            await self._tell(f"{self.number}.{message}", by_signal=draw.random() < 0.5)
            await until(partial(self._was_asked, f"{self.number}.{message}"))

    async def _leaves_at(self) -> datetime | None:
        answer = await self.server.inactivity(self.agent_id)
        return datetime.now(UTC) if answer is None else answer.leaves_at

    async def _tell(self, text: str, *, by_signal: bool) -> None:
        """Through one of the two doors: the client's updates, or what the plain `temporal` CLI sends."""
        if not by_signal:
            await self.server.add_message(self.agent_id, text, id=text)
            return
        await self.env.client.start_workflow(
            contract.AGENT_WORKFLOW,
            {},
            id=self.agent_id,
            task_queue=self.env.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=contract.ADD_MESSAGE,
            start_signal_args=[{"content": text, "id": text}],
        )

    async def _was_asked(self, text: str) -> bool:
        return self.race.asked[text] > 0

    async def gone(self) -> bool:
        return await self.server.get_status(self.agent_id) is Status.NOT_RUNNING

    async def goodbyes(self) -> int:
        """How often it said goodbye: at its end, and each time that a message came too late to be heard before."""
        return sum(event.type == "agent_shutdown" for event in await self.env.store.events(self.agent_id))

    async def said(self) -> list[str]:
        return [message.text for message in (await self.server.get_state(self.agent_id)).messages]

    @property
    def expected(self) -> list[str]:
        """What is in a conversation whose agent never forgot anything."""
        asked = [f"{self.number}.{message}" for message in range(MESSAGES)]
        return [text for n, one in enumerate(asked) for text in (one, f"heard {one} after {2 * n} others")]


def _seconds_to(moment: datetime) -> float:
    return (moment - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("at_the_save", [False, True], ids=["at the timeout", "at the last save"])
async def test_a_message_around_the_moment_of_leaving_is_neither_lost_nor_handled_twice(
    agent_env: Any, at_the_save: bool
) -> None:
    """L-17, L-22, L-58: 40 agents of 5 messages, each of which is answered once, by an agent that knows all before it.

    `RACE_SEED` draws the same offsets again.
    """
    race = Race(int(os.environ.get("RACE_SEED", random.randrange(2**32))))
    print(f"RACE_SEED={race.seed}")
    gate = asyncio.Semaphore(AT_ONCE)
    async with agent_env(race.app, store=WatchedStore(MemoryStore(), before=race.watch)) as env:
        server = AgentServer(env.client, store=env.store, channel=env.channel, task_queue=env.settings.task_queue)
        conversations = [Conversation(race, env, server, number) for number in range(AGENTS)]

        async def one(conversation: Conversation) -> int:
            async with gate:
                await conversation.live(at_the_save=at_the_save)
            await until(conversation.gone)
            return await conversation.goodbyes()

        goodbyes = sum(await asyncio.gather(*(one(conversation) for conversation in conversations)))
        print(f"{goodbyes - AGENTS} of {AGENTS * (MESSAGES - 1)} messages met a goodbye")
        for conversation in conversations:
            assert await conversation.said() == conversation.expected
    assert race.asked == Counter(f"{number}.{message}" for number in range(AGENTS) for message in range(MESSAGES))
    assert goodbyes > 2 * AGENTS or not at_the_save, "hardly a message came while an agent was leaving"
