"""Reading a whole state: the store has what was saved, the workflow the rest; a digest over both proves the join.

store:  snapshot ─ segment ─ segment │ base
kernel:                              │ tail, page by page ─▶ position, digest
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from sagents import contract
from sagents.client.line import Line
from sagents.errors import AgentNotFound, CannotAnswer, Damaged, StateUnavailable

if TYPE_CHECKING:
    from sagents.briefs import Waiting
    from sagents.carried import Carried
    from sagents.contract import AgentInfo, StateView
    from sagents.interrupts import Interrupt
    from sagents.known import Known
    from sagents.messages import Message
    from sagents.operations import Operation
    from sagents.ports import Base, Store
    from sagents.state import State
    from sagents.todo import Todo

V = TypeVar("V", "AgentInfo", "StateView")

LOOK_AGAIN = 0.05
TRIES = 5
"""A save between two pages moves the base; then reading starts again."""


async def read_state(line: Line, store: Store, agent_id: str) -> State:
    """The agent's state as it is now, or as it was saved when it left."""
    return (await read_whole(line, store, agent_id))[0]


async def read_whole(line: Line, store: Store, agent_id: str) -> tuple[State, Message | None]:
    """The state, and what waits to be heard at that same moment."""
    for _ in range(TRIES):
        try:
            view = await _awake(line, agent_id, contract.STATE, contract.StateView)
        except AgentNotFound:
            state, waiting = await _asleep(store, agent_id)
            return state.but(agent_id=agent_id), waiting
        known = await _known(store, agent_id, view.base)
        if known is None:
            continue
        known = known.after(await _tail(line, agent_id, view) or ())
        if known.digest == view.digest:
            return known.state.but(agent_id=agent_id), view.pending_message
    raise StateUnavailable(f"The state of {agent_id!r} changed faster than it could be read; try again.")


async def read_interrupts(line: Line, store: Store, agent_id: str) -> tuple[Interrupt, ...]:
    """What waits for a person, in its sub-agents too, also where the agent sleeps."""
    return tuple(one.interrupt for one in await read_waiting(line, store, agent_id))


async def read_waiting(line: Line, store: Store, agent_id: str) -> tuple[Waiting, ...]:
    """The same with whose interrupt each is."""
    from sagents.briefs import Waiting

    try:
        views = await line.ask(agent_id, contract.INTERRUPTS, tuple[contract.InterruptView, ...])
        if not views and (await line.ask(agent_id, contract.INFO, contract.AgentInfo)).waking:
            await _awake(line, agent_id, contract.INFO, contract.AgentInfo)
            views = await line.ask(agent_id, contract.INTERRUPTS, tuple[contract.InterruptView, ...])
    except AgentNotFound:
        carried = await stored_head(store, agent_id)
        if carried is None:
            raise
        return tuple(Waiting(agent_id=agent_id, interrupt=one) for one in carried.head.open_interrupts)
    return tuple(Waiting(agent_id=view.agent_id or agent_id, interrupt=view.interrupt) for view in views)


async def read_todos(line: Line, store: Store, agent_id: str) -> tuple[Todo, ...]:
    """The agent's list of tasks, also where it sleeps."""
    try:
        return (await _awake(line, agent_id, contract.STATE, contract.StateView)).todos
    except AgentNotFound:
        carried = await stored_head(store, agent_id)
        if carried is None:
            raise
        return carried.head.log.todos


async def stored_head(store: Store, agent_id: str) -> Carried | None:
    """What an agent carried when it was saved last; None where nothing was."""
    from sagents.carried import Carried

    row = await store.load(agent_id)
    try:
        return Carried.model_validate_json(row.head) if row and row.head else None
    except ValidationError as error:
        raise Damaged(f"The saved head of {agent_id!r} cannot be read: {error.error_count()} problems.") from None


async def stored_name(store: Store, agent_id: str) -> str | None:
    """The name of an agent that sleeps; None where none does. Asks for nothing else of the head, so that a head

    which this program cannot read still wakes: the worker sets it aside and says so.
    """
    row = await store.load(agent_id)
    if row is None or row.head is None:
        return None
    try:
        head: Any = json.loads(row.head)["head"]
        return str(head["agent"].get("name", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


async def _awake(line: Line, agent_id: str, query: str, view: type[V]) -> V:
    """What the agent answers once it has read its earlier state; before, it would seem to be a new one."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + line.patience.total_seconds()
    while (answer := await line.ask(agent_id, query, view)).waking:
        if loop.time() > deadline:
            raise CannotAnswer(f"{agent_id!r} is still waking; its store may be out of reach.")
        await asyncio.sleep(LOOK_AGAIN)
    return answer


async def _asleep(store: Store, agent_id: str) -> tuple[State, Message | None]:
    from sagents.mail import pending

    carried = await stored_head(store, agent_id)
    if carried is None:
        raise AgentNotFound(agent_id)
    known = await _known(store, agent_id, carried.head.log.base)
    if known is None:
        raise Damaged(f"The store lost the state of {agent_id!r} at position {carried.head.log.base.position}.")
    return known.state, pending(carried.mailbox)


async def _known(store: Store, agent_id: str, base: Base) -> Known | None:
    """The state at a base; None where the store has not got it."""
    from sagents.known import Known, unrolled

    if base.position == 0:
        return Known()
    chain = await store.chain(agent_id, base.digest)
    if chain is None:
        return None
    known = unrolled(chain)
    if not known.is_at(base):
        raise Damaged(f"What is stored of {agent_id!r} does not have the digest of position {base.position}.")
    return known


async def _tail(line: Line, agent_id: str, view: StateView) -> tuple[Operation, ...] | None:
    """The operations from the view's base to its position; None where they moved away meanwhile."""
    from sagents.carried import Page, PageRequest

    operations: list[Operation] = []
    while view.base.position + len(operations) < view.position:
        since = view.base.position + len(operations)
        page = await line.ask(agent_id, contract.PAGE, Page, PageRequest(since=since))
        if not page.operations:
            return None
        operations.extend(page.operations)
    return tuple(operations[: view.position - view.base.position])
