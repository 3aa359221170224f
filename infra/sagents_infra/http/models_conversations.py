"""What travels over HTTP about a conversation as a whole."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from sagents.contract import AgentInfo
from sagents.status import Status
from sagents_infra.http.models import WHOLE, shown


class Conversation(BaseModel):
    """A conversation; `info` has the figures of an agent that runs, one that sleeps has none."""

    model_config = shown(
        {
            "id": "7",
            "agent_id": "conversation-7",
            "agent": "support",
            "status": "not_running",
            "owner": "ann",
        }
    )

    id: str
    agent_id: str
    agent: str = ""
    status: Status = Field(description="`not_running` for one that sleeps; the next message wakes it.")
    title: str | None = None
    owner: str | None = None
    tenant: str | None = None
    saved_at: AwareDatetime | None = Field(default=None, description="When it was saved last.")
    info: Annotated[AgentInfo, WHOLE] | None = None


class Conversations(BaseModel):
    """A page of conversations."""

    model_config = shown({"conversations": [], "next": None})

    conversations: list[Conversation]
    next: str | None = Field(description="What to ask for as `after`; null where this is the end.")
