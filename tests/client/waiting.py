"""Approvals that wait, put into a store as an agent's save does it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue
from temporalio.client import Client

from sagents.client import AgentServer
from sagents.digests import call_digest
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt
from sagents.ports import Save, Signer, Store
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.dev_server import free_port

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def item(agent_id: str, number: int = 0, *, ago: timedelta | None = None, **terms: Any) -> InboxItem:
    """An approval of `refund(order, amount)`."""
    arguments: dict[str, JsonValue] = {"order": str(number), "amount": 100 * number}
    created = LONG_AGO + timedelta(seconds=number % 10_000) if ago is None else datetime.now(UTC) - ago
    interrupt = Interrupt(
        id=f"int_call_{number:016x}_0",
        tool="refund",
        message=f"Refund order {number}",
        arguments=arguments,
        digest=call_digest("refund", arguments),
        created_at=created,
        **{"allowed_decisions": ("approve", "edit", "reject"), **terms},
    )
    return InboxItem(agent_id=agent_id, interrupt=interrupt, agent="desk", owner="olga")


async def put(store: Store, *items: InboxItem) -> None:
    """Let these wait, each for the agent that it names."""
    agents: dict[str, list[InboxItem]] = {}
    for one in items:
        agents.setdefault(one.agent_id, []).append(one)
    for agent_id, waiting in agents.items():
        await save(store, agent_id, waiting)


async def save(store: Store, agent_id: str, waiting: Sequence[InboxItem], **more: Any) -> None:
    await store.take_over(agent_id, "run-1", 0)
    row = await store.load(agent_id)
    bodies = tuple(one.model_dump_json() for one in waiting)
    seq = row.seq + 1 if row else 0
    await store.save(Save(agent_id=agent_id, workflow_run_id="run-1", seq=seq, head="{}", interrupts=bodies, **more))


async def out_of_reach(store: Store, signer: Signer | None = None) -> AgentServer:
    """A server whose Temporal does not answer: what it knows, it knows from the store."""
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    patience = timedelta(milliseconds=200)
    return AgentServer(client, store=store, channel=MemoryChannel(), signer=signer, patience=patience)
