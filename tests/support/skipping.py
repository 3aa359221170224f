"""What tests on the time-skipping server share: agents to try, and steps in skipped time."""

import asyncio
from datetime import timedelta
from typing import Any

from sagents import Agent, Sagents
from sagents.carried import Carried
from sagents.messages import Message
from sagents.ports import DeltaSink, ModelRequest
from tests.support.driving import Driven, until
from tests.support.models import Thinks, echoes, last_user_text

PRESENT = {"presence": {"enabled": True}}
"""A lifecycle in which viewers count."""


def app_of(model: Any = None, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model or echoes(), **options))
    return app


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


async def left(agent: Driven) -> bool:
    """Wait until the agent has gone."""
    return await until(agent.is_closed) is True


async def reason_of(env: Any, agent: Driven) -> str:
    """Why the agent left, by its one goodbye."""
    await left(agent)
    (goodbye,) = await env.events(agent.agent_id, "agent_shutdown")
    return str(goodbye.data["reason"])


async def texts_of(env: Any, agent: Driven) -> list[str]:
    """What was said, of an agent that may have gone."""
    row = await env.store.load(agent.agent_id)
    return [message.text for message in Carried.model_validate_json(row.head).head.log.window]


class Slowly:
    """A model that answers when told to: `asked` counts its calls, `go` lets one of them answer."""

    def __init__(self) -> None:
        self.asked = 0
        self._go = 0

    def go(self, times: int = 1) -> None:
        self._go += times

    @property
    def model(self) -> Thinks:
        async def think(request: ModelRequest, _: DeltaSink) -> Message:
            self.asked += 1
            mine = self.asked
            while self._go < mine:  # noqa: ASYNC110 # the test runs on another loop
                await asyncio.sleep(0.01)
            return Message.assistant(f"heard {last_user_text(request)}")

        return Thinks(think)

    async def is_asked(self, times: int = 1) -> None:
        """Wait until the model has been asked as often."""

        async def asked() -> bool:
            return self.asked >= times

        await until(asked)


async def statuses(env: Any, agent: Driven) -> list[str]:
    """The statuses that were announced, oldest first."""
    return [
        str(event.data["status"]) for event in await env.store.events(agent.agent_id) if event.type == "status_changed"
    ]
