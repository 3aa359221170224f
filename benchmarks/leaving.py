"""How long the worker function goes on after its last task: its setting, and what leaving takes."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client

from benchmarks.figures import Figure
from sagents import Agent, Sagents
from sagents.client import AgentServer
from sagents_infra.aws.worker import worker_function
from sagents_infra.cli.deploying import deploy
from sagents_infra.dev_server import DevServer
from sagents_infra.settings import Settings
from sagents_infra.wiring import open_outside
from tests.support.lambdas import Context
from tests.support.models import echoes

ROUNDS = 5
TIMEOUT = 300_000
"""Milliseconds, as in template.yaml: what it would go on for without leaving by itself."""


async def main() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        server = DevServer.start(Path(folder) / "temporal", tied=True)
        try:
            os.environ["TEMPORAL_ADDRESS"] = server.address
            return await _measured(Settings(home=Path(folder) / "home", build_id="b1", deployment="leaving"))
        finally:
            server.stop()


async def _measured(settings: Settings) -> list[Figure]:
    app = Sagents()
    app.agent("helper", Agent(model=echoes(), default_middleware=False))
    function = worker_function(app, settings)
    first = asyncio.create_task(_invoked(function))
    await deploy(settings, settings.deployment, settings.build_id, None, wait=60)
    await first
    door = await AgentServer.connect(settings)
    outside = await open_outside(settings)
    times = [await _after_the_last_task(door, outside.client, function) for _ in range(ROUNDS)]
    setting = settings.idle_exit.total_seconds()
    bound = setting + 1
    return [
        Figure("wall time after the last task, mean of 5", sum(times) / ROUNDS, bound, "s"),
        Figure("of that the setting (SAGENTS_IDLE_EXIT_MS)", setting, None, "s"),
        Figure("the longest of them", max(times), None, "s"),
    ]


async def _invoked(function: Callable[[Any, Any], None]) -> float:
    await asyncio.to_thread(function, {}, Context(TIMEOUT))
    return time.time()


async def _after_the_last_task(door: AgentServer, client: Client, function: Callable[[Any, Any], None]) -> float:
    """Seconds from the last thing that the agent's history tells until the function returned."""
    invocation = asyncio.create_task(_invoked(function))
    session = await door.start("helper", agent_id=f"helper-{uuid4().hex[:8]}")
    await door.add_message(session.agent_id, "hello")
    left = await invocation
    events = [event async for event in client.get_workflow_handle(session.agent_id).fetch_history_events()]
    last = timedelta(microseconds=events[-1].event_time.ToMicroseconds())
    return left - last.total_seconds()
