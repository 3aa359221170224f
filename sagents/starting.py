"""What an agent begins its life with, or goes on with."""

from __future__ import annotations

from sagents.carried import Carried
from sagents.opening import Opening
from sagents.plan import AgentRef, Sub


class StartAgent(Opening):
    """The one argument of `AgentWorkflow`.

    `carried` is what a workflow run hands to the next one, `sub` what a parent gives its sub-agent; nobody else sets
    them.
    """

    carried: Carried | None = None
    sub: Sub | None = None

    @classmethod
    def of(cls, agent: AgentRef) -> StartAgent:
        """What a sub-agent is started with."""
        return cls(
            agent=agent.name,
            conversation_id=agent.conversation_id,
            options=agent.options,
            scope=agent.scope,
            sub=agent.sub,
        )
