"""The part of `AgentServer` that asks. `get_state` and `export_state` count as activity (L-20); the others peek."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sagents import contract
from sagents.client import watching
from sagents.client.reach import Reach
from sagents.client.reading import read_interrupts, read_state, read_todos, read_whole
from sagents.client.session import Handle
from sagents.client.snapshots import as_it_is
from sagents.errors import AgentNotFound
from sagents.status import Status

if TYPE_CHECKING:
    from sagents.contract import AgentInfo, Inactivity
    from sagents.events import Event
    from sagents.interrupts import Interrupt
    from sagents.messages import Message
    from sagents.state import State
    from sagents.todo import Todo


class Asking(Reach):
    """One method per question."""

    async def get_status(self, agent_id: str) -> Status:
        """What the agent is doing; `not_running` for one that sleeps or never was (L-61)."""
        try:
            return await self._line.ask(agent_id, contract.STATUS, Status)
        except AgentNotFound:
            return Status.NOT_RUNNING

    async def agent_info(self, agent_id: str) -> AgentInfo | None:
        """The running agent's figures (L-62); None where it does not run."""
        with suppress(AgentNotFound):
            return await self._line.ask(agent_id, contract.INFO, contract.AgentInfo)
        return None

    async def inactivity(self, agent_id: str) -> Inactivity | None:
        """When the agent was active last, and when it leaves if nothing happens (L-26); None where it does not run."""
        with suppress(AgentNotFound):
            return await self._line.ask(agent_id, contract.INACTIVITY, contract.Inactivity)
        return None

    async def whereis(self, agent_id: str) -> Handle | None:
        """Temporal's handle of the running agent (L-66)."""
        return self._line.handle(agent_id) if await self._line.runs(agent_id) else None

    async def get_state(self, agent_id: str) -> State:
        """The whole state, verified: what is saved joined with what is not yet. Of a sleeping agent, what it saved.

        Who reads it is active: the agent's inactivity clock starts again.
        """
        contract.check_agent_id(agent_id)
        await self._was_read(agent_id)
        return await self._peek(agent_id)

    async def export_state(self, agent_id: str) -> dict[str, Any]:
        """The state as plain JSON, for the application to keep (L-44); `restore_state` takes it back.

        With it goes what waits to be heard, as `pending_message` (B-77).
        """
        from sagents.serialization import export_state

        await self._was_read(contract.check_address(agent_id))
        state, waiting = await read_whole(self._line, self._store, agent_id)
        return export_state(state, serialized_at=datetime.now(UTC), pending_message=waiting)

    async def messages(self, agent_id: str) -> tuple[Message, ...]:
        """The whole conversation as the agent knows it. A peek."""
        return (await self._peek(agent_id)).messages

    async def todos(self, agent_id: str) -> tuple[Todo, ...]:
        """What the agent has planned and done. A peek."""
        return await read_todos(self._line, self._store, contract.check_address(agent_id))

    async def interrupts(self, agent_id: str) -> tuple[Interrupt, ...]:
        """What waits for a person, in the order in which `resume` takes decisions; a sleeping agent's too. A peek."""
        return await read_interrupts(self._line, self._store, contract.check_address(agent_id))

    def watch(self, agent_id: str, after: int | None = None) -> AsyncGenerator[Event, None]:
        """Events after the one with this id (0: all there are), then live ones; with None those from now on.

        No gap, no repeat; also of an agent that sleeps or is yet to start. End it by leaving the loop, or by `aclose`.
        Where events after the id are gone, because the log was trimmed, an event `reset` says what is now.
        """
        look = partial(as_it_is, self._line, self._store, contract.check_agent_id(agent_id))
        return watching.watch(self._store, self._channel, agent_id, after, look)

    subscribe = watch

    async def last_event_id(self, agent_id: str) -> int:
        """The id of the newest event in the agent's log, 0 where there is none: `watch` after it misses nothing."""
        return await watching.end_of_log(self._store, contract.check_agent_id(agent_id))

    async def _peek(self, agent_id: str) -> State:
        return await read_state(self._line, self._store, contract.check_address(agent_id))
