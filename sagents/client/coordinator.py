"""Conversations of an application and the agents that hold them."""

from collections.abc import Callable, Mapping
from typing import Any

from sagents.client.server import AgentServer
from sagents.client.session import Session, agent_id_for
from sagents.lifecycle import Lifecycle


class Coordinator:
    """Starts the agent of a conversation when somebody needs it (L-57)."""

    def __init__(self, server: AgentServer, agent: str, *, agent_id_for: Callable[[str], str] | None = None) -> None:
        self.server, self.agent = server, agent
        self._agent_id_for = agent_id_for

    async def start_conversation_session(
        self,
        conversation_id: str,
        *,
        lifecycle: Lifecycle | None = None,
        scope: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Session:
        """The conversation's agent, started if it does not run; its saved state is restored (L-58).

        Of callers at the same time one starts it, and all get the same agent (L-59).
        """
        return await self.server.start(
            self.agent,
            agent_id=self.agent_id(conversation_id, scope),
            conversation_id=conversation_id,
            lifecycle=lifecycle,
            scope=scope,
            options=options,
        )

    def agent_id(self, conversation_id: str, scope: Mapping[str, Any] | None = None) -> str:
        """The id of a conversation's agent."""
        return self._agent_id_for(conversation_id) if self._agent_id_for else agent_id_for(conversation_id, scope)
