"""The agents that are deployed: one asks a person before it refunds, one repeats. They need no model of anybody's."""

from sagents import Agent, Sagents, tool
from sagents.policy import ask

app = Sagents()


@tool(approval=ask())
def refund(order: str) -> str:
    """Pay an order back."""
    return f"{order} is paid back"


app.agent("desk", Agent(model="offline", tools=[refund]))
app.agent("parrot", Agent(model="offline"))
