"""What an agent is like now, for who watches it and cannot be told how it came to it (DESIGN section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagents import contract
from sagents.client.line import Line
from sagents.client.reading import read_interrupts, read_todos, stored_head
from sagents.errors import AgentNotFound, CannotAnswer
from sagents.status import Status

if TYPE_CHECKING:
    from sagents.event_types_life import Snapshot
    from sagents.ports import Store


async def as_it_is(line: Line, store: Store, agent_id: str, position: int) -> Snapshot:
    """As the agent itself says; as it was saved where it sleeps or nobody can ask it. `position` was read before."""
    from sagents.event_types_life import Snapshot

    try:
        status = await line.ask(agent_id, contract.STATUS, Status)
        todos, interrupts = await read_todos(line, store, agent_id), await read_interrupts(line, store, agent_id)
    except AgentNotFound:
        return (await as_saved(store, agent_id, position)).but(status=Status.NOT_RUNNING)
    except CannotAnswer:
        return await as_saved(store, agent_id, position)
    rows = await store.rows(agent_id)
    return Snapshot(position=position, status=status, todos=todos, interrupts=interrupts, rows=rows)


async def as_saved(store: Store, agent_id: str, position: int) -> Snapshot:
    """As the store has it: the last save, and the newest rows."""
    from sagents.event_types_life import Snapshot

    carried, rows = await stored_head(store, agent_id), await store.rows(agent_id)
    if carried is None:
        return Snapshot(position=position, status=Status.NOT_RUNNING, rows=rows)
    head = carried.head
    todos, interrupts = head.log.todos, head.open_interrupts
    return Snapshot(position=position, status=head.status, todos=todos, interrupts=interrupts, rows=rows)
