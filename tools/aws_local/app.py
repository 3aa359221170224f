"""The agent that is deployed: it asks a person before it refunds. It needs no model of anybody's."""

from sagents import Agent, Sagents, tool
from sagents.policy import ask

app = Sagents()


@tool(approval=ask())
def refund(order: str) -> str:
    """Pay an order back."""
    return f"{order} is paid back"


app.agent("desk", Agent(model="offline", tools=[refund]))
