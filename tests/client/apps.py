"""Applications that the tests of the client talk to."""

import asyncio
import threading
from typing import Any

from sagents import Agent, Model, Sagents, Tool, ask, tool
from tests.support.models import echoes, uses


@tool(approval=ask())
def refund(order: str) -> str:
    """Refund an order."""
    return f"refunded {order}"


def app_of(model: Model | None = None, *tools: Tool[..., Any]) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model or echoes(), tools=tools))
    return app


def desk() -> Sagents:
    """Asks a person about every refund."""
    return app_of(uses("refund", order="7"), refund)


class Gate:
    """A tool that waits until a test lets it through."""

    def __init__(self) -> None:
        self._open = threading.Event()

        @tool
        async def wait() -> str:
            """Wait for the gate."""
            while not self._open.is_set():  # noqa: ASYNC110 - the test runs on another loop
                await asyncio.sleep(0.01)
            return "open"

        self.tool = wait

    @property
    def app(self) -> Sagents:
        return app_of(uses("wait"), self.tool)

    def open(self) -> None:
        self._open.set()
