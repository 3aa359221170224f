"""Telemetry of living agents: each thing that happens is told once, in the worker's process."""

from collections.abc import Iterator
from typing import Any

import pytest

from sagents import Agent, Sagents, telemetry, tool
from sagents.policy import ask
from tests.support.driving import started
from tests.support.models import Thinks, echoes, uses

pytestmark = pytest.mark.asyncio

Heard = list[tuple[str, dict[str, Any], dict[str, Any]]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything that telemetry tells, in order."""
    events: Heard = []

    def hear(event: telemetry.EventName, measurements: Any, metadata: Any, _: Any) -> None:
        events.append((".".join(event[1:]), measurements, metadata))

    telemetry.attach_many("test", telemetry.EVENTS, hear)
    yield events
    telemetry.detach("test")


def names_of(events: Heard, agent_id: str) -> list[str]:
    return [name for name, _, metadata in events if metadata["agent_id"] == agent_id]


@tool(approval=ask())
def publish() -> str:
    """Publish it."""
    return "published"


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


async def test_a_run_with_an_approval_is_told_from_start_to_stop(agent_env: Any, heard: Heard) -> None:
    """L-67: all nine but the errors."""
    async with agent_env(app_of(uses("publish"), tools=[publish])) as env:
        agent = await started(env, "helper")
        await agent.send("Publish")
        await agent.reaches("interrupted")
        await agent.update("resume", "approve")
        await agent.settled()
        await agent.update("stop", "done for today")
        await agent.handle.result()
    assert names_of(heard, agent.agent_id) == [
        "agent.start",
        "execution.start",
        "llm.request",
        "llm.response",
        "execution.interrupt",
        "tool.start",
        "tool.stop",
        "llm.request",
        "llm.response",
        "execution.stop",
        "agent.stop",
    ]
    stop = next(metadata for name, _, metadata in heard if name == "agent.stop")
    assert stop["reason"] == "done for today"
    assert all(measurements["count"] == 1 and measurements["system_time"] > 0 for _, measurements, _ in heard)
    assert next(m for name, m, _ in heard if name == "execution.stop")["duration_ms"] >= 0


async def test_a_run_that_breaks_is_a_crash_and_a_model_that_fails_is_none(agent_env: Any, heard: Heard) -> None:
    """L-67, L-68: `crash` is for what nobody expected."""

    def breaks(_: Any, __: Any) -> Any:
        raise RuntimeError("out of order")

    app = app_of(Thinks(breaks))

    @app.agent("broken")
    def broken(request: Any) -> Agent:
        raise RuntimeError("no database")

    async with agent_env(app) as env:
        failing, breaking = await started(env, "helper"), await started(env, "broken", env.id("broken"))
        for agent in (failing, breaking):
            await agent.send("go")
            await agent.settled()
    assert "agent.crash" not in names_of(heard, failing.agent_id)
    assert "llm.error" in names_of(heard, failing.agent_id)
    assert names_of(heard, breaking.agent_id).count("agent.crash") == 1


async def test_a_handler_that_raises_harms_no_run(agent_env: Any) -> None:
    """L-68."""

    def raises(*_: Any) -> None:
        raise RuntimeError("no disk space")

    telemetry.attach("raises", telemetry.EXECUTION_START, raises)
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper")
        assert await agent.say("hello") == "heard hello"
    assert not telemetry.detach("raises")
