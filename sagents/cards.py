"""What a list of agents shows of each, those that sleep too, without asking any of them."""

from typing import Self

from pydantic import AwareDatetime

from sagents.frozen import Frozen
from sagents.status import Status


class AgentCard(Frozen):
    """An agent as its last save left it, `at` that time; `title` is the conversation's, where somebody gave it one."""

    agent_id: str
    name: str = ""
    conversation_id: str | None = None
    title: str | None = None
    owner: str | None = None
    tenant: str | None = None
    status: Status = Status.IDLE
    at: AwareDatetime

    def instead_of(self, before: "AgentCard | None") -> Self:
        """The card that takes the place of another: without a title of its own (an empty one is) it keeps that one's.

        A save knows what has changed since the one before it, and does not read the rest of the state.
        """
        return self.but(title=before.title) if self.title is None and before is not None else self
