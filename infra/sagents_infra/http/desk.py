"""What the routes work with: the agents, and which of them a caller may reach."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sagents.client import AgentServer, agent_id_for
from sagents.client.connecting import Outside
from sagents.client.line import Line
from sagents.client.owning import scope_of
from sagents_infra.http.identity import Caller
from sagents_infra.http.problems import NO_CONVERSATION, Refusal

if TYPE_CHECKING:
    from temporalio.client import Client

    from sagents.cards import AgentCard
    from sagents.ports import Store

LOOKED_THROUGH = 2_000
"""Cards of one tenant that a page of one owner is looked for in."""


@dataclass(frozen=True)
class Desk:
    """Agents behind the HTTP API. A conversation that is not the caller's is not there for them."""

    outside: Outside
    server: AgentServer
    line: Line

    @classmethod
    def of(cls, outside: Outside, patience: timedelta) -> Desk:
        """A desk over what is connected."""
        return cls._over(outside, outside.client, patience)

    def over(self, client: Client, patience: timedelta) -> Desk:
        """The same desk with another connection to Temporal."""
        return self._over(self.outside, client, patience)

    @classmethod
    def _over(cls, outside: Outside, client: Client, patience: timedelta) -> Desk:
        from sagents.preprocessing import preprocessor_at

        task_queue = outside.settings.task_queue
        server = AgentServer(
            client,
            store=outside.store,
            channel=outside.channel,
            presence=outside.presence,
            signer=outside.signer,
            blobs=outside.blobs,
            preprocessor=preprocessor_at(outside.settings.preprocessor),
            task_queue=task_queue,
            patience=patience,
        )
        return cls(outside, server, Line(client, task_queue, patience))

    @property
    def store(self) -> Store:
        return self.outside.store

    async def agent_id(self, me: Caller, conversation_id: str) -> str:
        """The agent of a conversation of the caller's. Raises `Refusal` where they have no such one."""
        agent_id = agent_id_for(conversation_id, me.scope)
        if not await self.is_mine(me, agent_id):
            raise Refusal(NO_CONVERSATION)
        return agent_id

    async def is_mine(self, me: Caller, agent_id: str) -> bool:
        """Whether such an agent runs or sleeps, and the caller may reach it."""
        scope = await self.scope(agent_id)
        return scope is not None and me.may_reach(scope)

    async def scope(self, agent_id: str) -> Mapping[str, Any] | None:
        """What a root agent belongs to; None where there is none."""
        return await scope_of(self.line, self.store, agent_id)

    async def cards(self, me: Caller, after: str, limit: int) -> tuple[tuple[AgentCard, ...], str | None]:
        """A page of the caller's conversations as they were saved last, and what the next page comes after."""
        found: list[AgentCard] = []
        async with aclosing(self._cards(me, after)) as cards:
            async for seen, card in cards:
                after = card.agent_id
                if me.may_reach({"owner": card.owner, "tenant": card.tenant}):
                    found.append(card)
                if len(found) == limit or seen == LOOKED_THROUGH:
                    return tuple(found), after
        return tuple(found), None

    async def _cards(self, me: Caller, after: str) -> AsyncGenerator[tuple[int, AgentCard], None]:
        seen, prefix = 0, agent_id_for("", me.scope)
        while page := await self.store.agents(prefix, after, 100):
            for card in page:
                seen += 1
                yield seen, card
            after = page[-1].agent_id


def id_from(kind: str, me: Caller, conversation_id: str, key: str | None) -> str | None:
    """The id that an `Idempotency-Key` stands for: the same for each repetition by the same caller; None without."""
    if not key:
        return None
    parts = "\n".join((kind, me.tenant or "", me.subject, conversation_id, key))
    return f"{kind}_{hashlib.sha256(parts.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
