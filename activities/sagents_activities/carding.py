"""The card of an agent, made from what a save has at hand: its head, and what has happened since the save before."""

from collections.abc import Sequence
from datetime import datetime

from sagents.cards import AgentCard
from sagents.clipping import clipped
from sagents.head import Head
from sagents.middleware.conversation_title import KEY
from sagents.operations import DropMetadata, Merge, Operation, PutMetadata, Reset, apply_operation
from sagents.state import State, StateDelta

LONGEST = 200
"""Characters of a title in a list."""


def card_of(head: Head, now: datetime) -> AgentCard | None:
    """The agent's card as of `now`; a sub-agent has none."""
    agent = head.agent
    if agent.sub is not None:
        return None
    return AgentCard(
        agent_id=agent.agent_id,
        name=agent.name,
        conversation_id=agent.conversation_id,
        title=title_in(head.log.tail),
        owner=agent.owner,
        tenant=agent.tenant,
        status=head.status,
        at=now,
    )


def title_in(operations: Sequence[Operation]) -> str | None:
    """The title that these operations leave: empty where they took it away, None where they have not touched it."""
    state = State(metadata={KEY: None})
    for operation in operations:
        match operation:
            case PutMetadata() | DropMetadata() | Reset():
                state = apply_operation(state, operation)
            case Merge():
                state = state.merge(StateDelta(metadata=operation.delta.metadata))
            case _:
                pass
    title = state.metadata.get(KEY, "")
    return None if title is None else clipped(" ".join(str(title).split()), LONGEST)
