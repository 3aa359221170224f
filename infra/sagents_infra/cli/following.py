"""Following a run to its end: events as they come, and the state for what they may have missed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from sagents import AgentNotFound, Event, Role, Status
from sagents.client import AgentServer
from sagents.errors import CannotAnswer, StoreUnavailable
from sagents.messages import Message

LOOK_AGAIN = 1.0
SILENCES = 60
"""How often nobody may answer, at LOOK_AGAIN's pace or slower, before following is given up."""

SOON = 0.05
"""After the event that ends a run; the agent takes a moment more."""


class Follower:
    """Hears one agent while inside. Events are a courtesy: the end of a run and its words are asked for besides."""

    def __init__(self, server: AgentServer, agent_id: str, draw: Callable[[Event], None]) -> None:
        self.server, self.agent_id, self._draw = server, agent_id, draw
        self._news: asyncio.Queue[Event] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._ear = asyncio.create_task(self._listen())
        await asyncio.sleep(SOON)  # hear from the first event on
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ear.cancel()
        with suppress(asyncio.CancelledError):
            await self._ear

    async def count(self) -> int:
        """How many messages there are."""
        try:
            return len(await self.server.messages(self.agent_id))
        except AgentNotFound:
            return 0

    async def until_rest(self) -> Status:
        """Draw what comes until the agent runs no more; what it does then. A worker that is replaced costs a while."""
        wait, silent = LOOK_AGAIN, 0
        while True:
            try:
                event = await asyncio.wait_for(self._news.get(), wait)
            except TimeoutError:
                try:
                    status, silent = await self.server.get_status(self.agent_id), 0
                except CannotAnswer:
                    silent += 1
                    if silent > SILENCES:
                        raise
                    continue
                if not status.is_running:
                    return status
                continue
            self._draw(event)
            if event.type == "status_changed":
                wait = LOOK_AGAIN if event.data.get("status") == Status.RUNNING else SOON

    async def replies_since(self, count: int) -> tuple[Message, ...]:
        """What the agent has said since there were `count` messages."""
        messages = await self.server.messages(self.agent_id)
        return tuple(m for m in messages[count:] if m.role is Role.ASSISTANT and m.text)

    async def _listen(self) -> None:
        with suppress(StoreUnavailable):
            async for event in self.server.watch(self.agent_id):
                self._news.put_nowait(event)
