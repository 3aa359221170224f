"""What every part of `AgentServer` holds: the line to Temporal, the ports, and how a command travels."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sagents import contract
from sagents.client.line import Line
from sagents.client.reading import stored_name
from sagents.errors import AgentNotFound, Fresh

if TYPE_CHECKING:
    from sagents.contract import Accepted
    from sagents.ports import Channel, Presence, Signer, Store

TOUCH_EVERY = timedelta(seconds=10)
"""Reading a state counts as activity (L-20), told to the agent at most this often: the kernel's own measure."""

REMEMBERED = 1_000
"""Agents whose last touch is remembered."""


class Reach:
    """Temporal, the store, the channel, who looks, and the keys to vouch for people with."""

    def __init__(
        self, line: Line, store: Store, channel: Channel, presence: Presence | None, signer: Signer | None = None
    ) -> None:
        self._line, self._signer = line, signer
        self._store, self._channel, self._presence = store, channel, presence
        self._touches: dict[str, float] = {}

    async def _tell(self, agent_id: str, command: str, payload: Any, update_id: str | None = None) -> Accepted:
        if command not in (contract.DECIDE, contract.RESUME):
            contract.check_agent_id(agent_id)  # sub-agents are told nothing but decisions
        return await self._line.update(agent_id, command, payload, update_id or new_id(command))

    async def _tell_or_wake(self, agent_id: str, command: str, payload: Any, update_id: str) -> Accepted:
        try:
            return await self._tell(agent_id, command, payload, update_id)
        except AgentNotFound:
            name = await stored_name(self._store, agent_id)
            if name is None or contract.is_sub_agent(agent_id):  # nobody would hear what it does
                raise
        return await self._line.wake(agent_id, contract.Opening(agent=name), command, payload, update_id)

    async def _touch(self, agent_id: str) -> bool:
        with suppress(Fresh):
            await self._tell(agent_id, contract.TOUCH, None)
            return True
        return False

    async def _was_read(self, agent_id: str) -> None:
        """Whoever reads a state is active; an agent that sleeps goes on sleeping."""
        now = time.monotonic()
        if contract.is_sub_agent(agent_id):
            return
        if now - self._touches.get(agent_id, -TOUCH_EVERY.total_seconds()) < TOUCH_EVERY.total_seconds():
            return
        self._touches.pop(agent_id, None)
        self._touches[agent_id] = now
        if len(self._touches) > REMEMBERED:
            del self._touches[next(iter(self._touches))]
        with suppress(AgentNotFound):
            await self._touch(agent_id)


def new_id(kind: str) -> str:
    return f"{kind}_{uuid4().hex}"
