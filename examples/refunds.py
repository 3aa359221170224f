"""A desk whose refunds a person approves, and that knows each customer's language.

SAGENTS_APP=examples.refunds:app sagents dev --reload
sagents start desk -c 7 --option language=de
sagents send -c 7 --wait "Order 7 never came."
sagents resume -c 7 approve
"""

import os

from sagents import Agent, AgentRequest, HookContext, Middleware, Sagents, State, ToolContext, ask, tool

app = Sagents()
LEDGER: dict[str, float] = {}


@tool(approval=ask())
async def refund(context: ToolContext, order: str, amount: float) -> str:
    """Refund an order."""
    await context.progress("calling the bank")
    LEDGER[context.idempotency_key] = amount  # the same key for every attempt: a bank pays once
    return f"refunded {amount:.2f} for order {order}"


class Language(Middleware):
    """Puts the customer's language where the rest of the agent finds it."""

    id = "language"

    def before_run(self, state: State, context: HookContext, /) -> State:
        return state.put_metadata("language", context.options.get("language", "en"))

    def system_prompt(self, context: HookContext, /) -> str:
        return f"Answer in {context.options.get('language', 'en')}."


@app.agent("desk")
def desk(request: AgentRequest) -> Agent:
    return Agent(
        model=os.environ.get("MODEL") or "offline",
        system_prompt="You refund orders that never came. Say what you did.",
        tools=[refund],
        middleware=[Language()],
    )
