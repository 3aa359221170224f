"""The exported form of a state: plain JSON, string keys at every depth, with a version (T-51).

    {"version": 3, "state": {"messages": [], "todos": [], "metadata": {}}, "serialized_at": "2025-01-31T12:00:00+00:00"}

`pending_message` is there where a message was waiting. There is no clock here: callers say when it is.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sagents import migrations
from sagents.demotion import Claims
from sagents.messages import Message
from sagents.migrations import VERSION
from sagents.reading import read
from sagents.state import State


def export_state(state: State, *, serialized_at: datetime, pending_message: Message | None = None) -> dict[str, Any]:
    """The state as JSON. Who the agent is, its configuration and its runtime are not in it (E-16, E-22)."""
    todos = [todo.to_map() for todo in state.todos]
    written = {"messages": [], "metadata": {}, **state.model_dump(mode="json"), "todos": todos}
    exported = {"version": VERSION, "state": written, "serialized_at": serialized_at.isoformat()}
    if pending_message is not None:
        exported["pending_message"] = pending_message.model_dump(mode="json")
    return exported


def import_state(agent_id: str, exported: Mapping[str, Any], claims: Iterable[Claims] = ()) -> State:
    """The state of an export of any version, for this agent; another id than before makes a fork of it (T-5).

    Interrupts that none of `claims`, the agent's middleware, can restore are demoted. Raises `InvalidState`, and
    `NewerState` for a version that is not known yet.
    """
    return State.from_serialized(agent_id, migrations.whole(exported), claims=claims)


def import_pending_message(exported: Mapping[str, Any]) -> Message | None:
    """The message that was waiting when the state was exported; exports from before there were any have none."""
    waiting = exported.get("pending_message")
    if not isinstance(waiting, Mapping):
        return None
    return read(Message, migrations.message_of_version(waiting, exported.get("version", 1)))
