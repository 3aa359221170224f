"""An export takes the place of a living agent's state (B-66)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sagents.errors import InvalidState
from sagents.operations import AddMessages, Operation, SetMessages, difference
from sagents.pending import completed, questions
from sagents.plan import Restored
from sagents.serialization import import_pending_message, import_state
from sagents.state import State

if TYPE_CHECKING:
    from sagents.agent import Agent


UNFINISHED = "This call was not done when the state was exported, and was not run since."


def restore(agent: Agent, state: State, body: str) -> Restored:
    """The operations from this state to the exported one, swept by the agent's middleware (L-16).

    Questions that survive the sweep are open again. Calls that waited for an approval are not: nobody runs in another
    agent what was asked for in this one. An export that cannot be read is a problem and changes nothing.
    """
    try:
        exported = json.loads(body)
        imported = completed(import_state(agent.agent_id or "agent", exported, claims=agent.stack), UNFINISHED)
        waiting = import_pending_message(exported)
    except (InvalidState, ValueError) as error:
        return Restored(problem=f"The deposited export cannot be read: {error}")
    operations = _past(difference(state, imported), imported)
    return Restored(operations=operations, interrupts=questions(imported), pending_message=waiting)


def _past(operations: tuple[Operation, ...], imported: State) -> tuple[Operation, ...]:
    """Messages of an export are set, not added: they are no news to who listens to new ones (L-10)."""
    past = SetMessages(messages=imported.messages)
    return tuple(past if isinstance(operation, AddMessages) else operation for operation in operations)
