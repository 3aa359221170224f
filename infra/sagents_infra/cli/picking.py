"""Which approval is meant by the beginning of its id."""

from collections.abc import Sequence

from sagents import InvalidInput
from sagents.client import AgentServer
from sagents.errors import InterruptUnknown
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt

PREFIXES = ("int_call_", "int_")
"""How ids of interrupts begin; nobody has to type it."""

SHOWN = 5


def brief_id(interrupt_id: str) -> str:
    """An id without what all ids have."""
    for prefix in PREFIXES:
        if interrupt_id.startswith(prefix):
            return interrupt_id.removeprefix(prefix)
    return interrupt_id


async def picked(server: AgentServer, typed: Sequence[str], *, closed: bool = False) -> list[InboxItem]:
    """The items that are meant, each once, in the order in which they were typed.

    With `closed` also what waits no more, named whole and with its agent: the agent knows what became of it.
    """
    items = await server.inbox(status=None)
    found = [_pick_closed(items, one) if closed else pick(items, one) for one in typed]
    return [item for number, item in enumerate(found) if item not in found[:number]]


def _pick_closed(items: Sequence[InboxItem], typed: str) -> InboxItem:
    try:
        return pick(items, typed)
    except InterruptUnknown as unknown:
        if not (unknown.agent_id and unknown.interrupt_id):
            raise
        name = unknown.interrupt_id
        whole = name if name.startswith("int_") else f"{PREFIXES[0]}{name}"
        return InboxItem(agent_id=unknown.agent_id, interrupt=Interrupt(id=whole))


def pick(items: Sequence[InboxItem], typed: str) -> InboxItem:
    """The one item whose id begins so; `AGENT_ID/ID` is one of that agent's, `AGENT_ID/` its only one."""
    agent_id, _, start = typed.rpartition("/")
    mine = [item for item in items if agent_id in ("", item.agent_id)]
    whole = [item for item in mine if start in (item.interrupt.id, brief_id(item.interrupt.id))]
    found = whole or [item for item in mine if typed.strip("/") and _begins(item.interrupt.id, start)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(f"{typed!r} may be {_several(found)}. Write more of it, or AGENT_ID/ID.")
    why = f"Nothing waits under {typed!r}; `sagents approvals ls` shows what does"
    why += f", `sagents approvals log {agent_id or 'AGENT_ID'}` what was decided."
    raise InterruptUnknown(agent_id, "", why, start)


def _begins(interrupt_id: str, start: str) -> bool:
    return any(
        name.startswith(start) for name in (interrupt_id, interrupt_id.removeprefix("int_"), brief_id(interrupt_id))
    )


def _several(found: Sequence[InboxItem]) -> str:
    names = [f"{item.agent_id}/{brief_id(item.interrupt.id)}" for item in found[:SHOWN]]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{' or '.join(names)}{more}"
