"""The part of `AgentServer` that says who looks at a conversation (L-29 to L-40).

join     presence ◀─ lease ─┐            ┌─ signal ─▶ agent, the first time
ping     presence ◀─ lease ─┤ join again ┤            nothing in history: the agent knows the viewer
leave    presence ◀─────────┘            └─ signal ─▶ agent
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sagents import contract
from sagents.client.reach import Reach
from sagents.client.reading import stored_head
from sagents.errors import AgentNotFound, InvalidInput

if TYPE_CHECKING:
    from sagents.contract import AgentInfo

LEASE = timedelta(seconds=60)


class Viewing(Reach):
    """People, each with one connection or several. An agent that sleeps goes on sleeping."""

    async def join(
        self,
        agent_id: str,
        viewer: str,
        *,
        connection: str = contract.NOBODY_SAID,
        lease: timedelta | None = LEASE,
        topic: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> bool:
        """Say that somebody looks, and again before `lease` ends (None: until they leave). Whether the agent runs.

        Without a `topic` it is the agent's own: the one in its lifecycle, else that of the conversation.
        """
        if lease is not None and lease < timedelta(milliseconds=1):
            raise InvalidInput(f"A lease lasts some time, not {lease}.")
        payload = _payload(viewer, connection, lease, metadata)
        info = await self._info(agent_id)
        if self._presence is not None:
            from sagents.viewers import Viewer

            now = datetime.now(UTC)
            joining = Viewer(
                viewer=viewer,
                joined_at=now,
                connections=(connection,),
                until=now + lease if lease else None,
                metadata=metadata or {},
            )
            await self._presence.join(topic or await self._topic(agent_id, info), joining)
        if info is None:
            return False
        if self._presence is None or not _knows(info, viewer, connection):
            return await self._signal(agent_id, contract.VIEWER_JOINED, payload)
        return True

    async def leave(
        self, agent_id: str, viewer: str, *, connection: str | None = None, topic: str | None = None
    ) -> bool:
        """Say that a connection has closed, or with none named that the person has gone. Whether the agent runs."""
        left = contract.parse_viewer_left({"viewer": viewer, "connection": connection})
        if self._presence is not None:
            topic = topic or await self._topic(agent_id, await self._info(agent_id))
            await self._presence.leave(topic, viewer, connection)
        return await self._signal(agent_id, contract.VIEWER_LEFT, left.model_dump(mode="json"))

    async def topic(self, agent_id: str) -> str:
        """What its viewers look at: who renews a lease at the presence itself needs it."""
        return await self._topic(agent_id, await self._info(agent_id))

    async def _info(self, agent_id: str) -> AgentInfo | None:
        with suppress(AgentNotFound):
            return await self._line.ask(agent_id, contract.INFO, contract.AgentInfo)
        return None

    async def _topic(self, agent_id: str, info: AgentInfo | None) -> str:
        """What its viewers look at; the kernel reads the same topic when a lease ends."""
        if info is not None and not info.waking:
            return info.topic
        carried = await stored_head(self._store, agent_id)
        if carried is not None:
            return carried.head.topic
        return info.topic if info is not None else f"conversation:{agent_id}"

    async def _signal(self, agent_id: str, name: str, payload: Any) -> bool:
        try:
            await self._line.signal(agent_id, name, payload)
        except AgentNotFound:
            return False
        return True


def _payload(viewer: str, connection: str, lease: timedelta | None, metadata: Mapping[str, Any] | None) -> Any:
    given = {
        "viewer": viewer,
        "connection": connection,
        "lease_ms": None if lease is None else lease // timedelta(milliseconds=1),
        "metadata": metadata or {},
    }
    return contract.parse_viewer_joined(given).model_dump(mode="json")


def _knows(info: AgentInfo, viewer: str, connection: str) -> bool:
    return any(one.viewer == viewer and connection in one.connections for one in info.viewers)
