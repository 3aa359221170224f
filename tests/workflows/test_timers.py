"""A deadline that moves with every message costs few timers: history grows with time, not with talk."""

import asyncio
from math import floor
from time import monotonic
from typing import Any

import pytest

from sagents import Agent, Sagents
from sagents.limits import Limits
from tests.support.driving import Driven, started
from tests.support.models import echoes

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("timeout", [5.0, 60.0])
async def test_200_messages_start_a_timer_for_each_timeout_that_passes_at_most(agent_env: Any, timeout: float) -> None:
    """L-17, L-20: 2 + elapsed ÷ timeout."""
    app = Sagents()
    app.agent("helper", Agent(model=echoes()))
    async with agent_env(app, limits=Limits(events=20_000, parked_events=20_000)) as env:
        began = monotonic()
        agent = await started(env, "helper", lifecycle={"inactivity_timeout_ms": int(timeout * 1000)})
        for first in range(0, 200, 5):
            await asyncio.gather(*(agent.send(f"m{number}") for number in range(first, first + 5)))
            await agent.settled()
        timers, elapsed = await timers_of(agent), monotonic() - began
        assert 1 <= len(timers) <= 2 + floor(elapsed / timeout)


async def timers_of(agent: Driven) -> list[Any]:
    """How long each timer of its one workflow run was to be."""
    found = [event.timer_started_event_attributes for event in await agent.events()]
    return [timer.start_to_fire_timeout.ToTimedelta() for timer in found if timer.HasField("start_to_fire_timeout")]
