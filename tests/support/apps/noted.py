"""An application that notes in a file each time that somebody imports it, and from where."""

import os

from temporalio import workflow

from sagents import Agent, Sagents, tool
from tests.support.models import uses

with workflow.unsafe.sandbox_unrestricted():
    if "NOTE_IMPORTS" in os.environ:
        with open(os.environ["NOTE_IMPORTS"], "a", encoding="utf-8") as notes:
            notes.write("sandbox\n" if workflow.unsafe.in_sandbox() else "worker\n")

app = Sagents()


@tool
def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


@app.agent("noted")
def noted(_: object) -> Agent:
    return Agent(model=uses("shout", text="hello"), tools=[shout])
