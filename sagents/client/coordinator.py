"""Conversations of an application and the agents that hold them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from sagents.awaiting import called
from sagents.client.server import AgentServer, Decisions
from sagents.client.session import Session, agent_id_for

if TYPE_CHECKING:
    from sagents.contract import Accepted
    from sagents.lifecycle import Lifecycle
    from sagents.persistence import AgentPersistence
    from sagents.principal import Principal

Scope = Mapping[str, Any] | None
Router = Callable[[str, Scope, Mapping[str, Any]], str]
Loader = Callable[[str, Scope], Awaitable[Mapping[str, Any] | None]]


class Coordinator:
    """Starts the agent of a conversation when somebody needs it (L-57).

    `agent` names it, or chooses one by the conversation, the scope and the options (B-125). `load` finds what the
    application itself has exported of a conversation (B-66), None where there is nothing: it is asked only for an
    agent that neither runs nor sleeps. It is a function, or the `AgentPersistence` that keeps states (B-115).
    `lifecycle` is for those who start without one of their own.
    """

    def __init__(
        self,
        server: AgentServer,
        agent: str | Router,
        *,
        agent_id_for: Callable[[str], str] | None = None,
        load: Loader | AgentPersistence | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        self.server, self.agent = server, agent
        self._agent_id_for, self._load, self._lifecycle = agent_id_for, load, lifecycle

    async def start_conversation_session(
        self,
        conversation_id: str,
        *,
        lifecycle: Lifecycle | None = None,
        scope: Scope = None,
        options: Mapping[str, Any] | None = None,
        subscribe: bool = False,
    ) -> Session:
        """The conversation's agent, started if it does not run; its saved state is restored (L-58).

        Of callers at the same time one starts it, and all get the same agent (L-59). Options reach the factory of an
        agent that starts; one that runs keeps its own (B-121).
        """
        agent_id = self.agent_id(conversation_id, scope)
        exported = await self._exported(conversation_id, agent_id, scope)
        return await self.server.start(
            self._agent(conversation_id, scope, options or {}),
            agent_id=agent_id,
            conversation_id=conversation_id,
            lifecycle=lifecycle or self._lifecycle,
            scope=scope,
            options=options,
            subscribe=subscribe,
            exported=exported,
        )

    async def ensure_running(
        self, session: Session, *, scope: Scope = None, options: Mapping[str, Any] | None = None
    ) -> Session:
        """The same session with an agent that runs; what it is subscribed to stays as it is (B-122)."""
        if session.conversation_id is None or await self.server.whereis(session.agent_id):
            return replace(session, started=False)
        fresh = await self.start_conversation_session(session.conversation_id, scope=scope, options=options)
        return replace(fresh, events=session.events)

    async def resume(
        self,
        conversation_id: str,
        decisions: Decisions = (),
        *,
        principal: Principal | None = None,
        scope: Scope = None,
    ) -> Accepted:
        """Answer what the conversation's agent waits for; one that sleeps wakes with the answer in hand (B-123)."""
        return await self.server.resume(self.agent_id(conversation_id, scope), decisions, principal=principal)

    async def dismiss(self, conversation_id: str, *, scope: Scope = None) -> Accepted:
        """Close a halt without an answer; one that sleeps over a halt is woken (B-124)."""
        return await self.server.dismiss_interrupt(self.agent_id(conversation_id, scope))

    async def stop(
        self, conversation_id: str, reason: str | None = None, *, scope: Scope = None
    ) -> Literal["stopped", "not_running"]:
        """Let the conversation's agent save and leave (B-124)."""
        return await self.server.stop(self.agent_id(conversation_id, scope), reason)

    async def is_running(self, conversation_id: str, *, scope: Scope = None) -> bool:
        """Whether the conversation's agent runs; `CannotAnswer` where nobody knows."""
        return await self.server.whereis(self.agent_id(conversation_id, scope)) is not None

    def agent_id(self, conversation_id: str, scope: Scope = None) -> str:
        """The id of a conversation's agent."""
        return self._agent_id_for(conversation_id) if self._agent_id_for else agent_id_for(conversation_id, scope)

    def _agent(self, conversation_id: str, scope: Scope, options: Mapping[str, Any]) -> str:
        return self.agent if isinstance(self.agent, str) else self.agent(conversation_id, scope, options)

    async def _exported(self, conversation_id: str, agent_id: str, scope: Scope) -> Mapping[str, Any] | None:
        if self._load is None or await self.server.exists(agent_id):
            return None
        if callable(self._load):
            return await self._load(conversation_id, scope)
        return await called(
            self._load.load_state, scope or {}, {"agent_id": agent_id, "conversation_id": conversation_id}
        )
