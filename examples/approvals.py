"""Large refunds that two people of finance have to agree on, within three days; the managers may after one.

SAGENTS_APP=examples.approvals:app sagents dev --reload
sagents send -c 7 "Order 7 never came."
sagents approvals ls
sagents approvals approve ID --as anna --group finance
sagents approvals approve ID --as ben --group finance
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sagents import Agent, AgentRequest, Approve, Escalation, Principal, Reject, Sagents, ToolContext, ask, groups, tool
from sagents.client import AgentServer

app = Sagents()
LEDGER: dict[str, float] = {}
CLOSED: set[str] = set()


def still_open(arguments: Mapping[str, Any]) -> str | None:
    """Asked right before an approved call runs: days may have passed."""
    order = arguments["order"]
    return f"order {order} was closed meanwhile" if order in CLOSED else None


@tool(
    approval=ask(
        when=lambda arguments: arguments["amount"] > 100,
        approvers=groups("finance"),
        required_approvals=2,
        self_approval=False,
        summary="Refund {amount} for order {order}",
        risk="high",
        remind_after=timedelta(hours=4),
        escalate=[Escalation(timedelta(days=1), groups("managers"))],
        expires_after=timedelta(days=3),
        on_expiry=Reject(),
    ),
    revalidate=still_open,
)
async def refund(context: ToolContext, order: str, amount: float) -> str:
    """Refund an order."""
    LEDGER[context.idempotency_key] = amount
    return f"refunded {amount:.2f} for order {order}"


@app.agent("desk")
def desk(request: AgentRequest) -> Agent:
    return Agent(
        model=os.environ.get("MODEL") or "offline",
        system_prompt="You refund orders that never came. Say what you did.",
        tools=[refund],
    )


async def agree(server: AgentServer, *people: Principal) -> list[str]:
    """Everybody approves what waits for them, as a door that knows them would say."""
    seen = []
    for person in people:
        for item in await server.inbox(approver=person):
            answer = await server.decide(item.agent_id, item.interrupt.id, Approve(), principal=person)
            seen.append(f"{person.subject}: {answer.status}")
    return seen
