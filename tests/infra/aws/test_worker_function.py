"""Temporal invokes the worker function when there is work; it leaves when there is none. Nothing else polls here.

Nothing is asked by queries either: one of those is work, too.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sagents import Agent, Approve, InvalidInput, Sagents, tool
from sagents.client import AgentServer
from sagents.policy import ask
from sagents_infra.aws.worker import worker_function
from sagents_infra.cli.deploying import deploy
from sagents_infra.deployments import LambdaFunction
from sagents_infra.dev_server import DevServer
from sagents_infra.settings import Settings
from sagents_infra.wiring import Outside, open_outside
from tests.infra.aws.templates import ROOT
from tests.support.apps import function
from tests.support.driving import until
from tests.support.lambdas import EXTERNAL_ID, ROLE, Context, Lambdas
from tests.support.models import echoes, uses

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(240)]

MINUTE = 60_000
"""Milliseconds that an invocation may take, where a test does not cut it."""


@dataclass
class Cloud:
    """An app in a function, and a door to it."""

    outside: Outside
    server: AgentServer
    account: Lambdas
    before: int
    agent_id: str = ""

    @property
    def invocations(self) -> int:
        return len(self.account.invocations) - self.before

    async def tell(self, text: str) -> None:
        if not self.agent_id:
            self.agent_id = (await self.server.start("helper", agent_id=f"helper-{uuid4().hex[:8]}")).agent_id
        await self.server.add_message(self.agent_id, text)

    async def statuses(self) -> list[str]:
        events = await self.outside.store.events(self.agent_id)
        return [str(event.data["status"]) for event in events if event.type == "status_changed"]

    async def is_at_last(self, status: str) -> None:
        async def reached() -> bool:
            return (await self.statuses())[-1:] == [status]

        await until(reached, within=100)

    async def is_quiet(self) -> None:
        """Wait until no function runs any more."""
        await until(self._is_quiet)

    async def _is_quiet(self) -> bool:
        return not self.account.running


Start = Callable[..., Awaitable[Cloud]]


@pytest.fixture
def cloud(
    account: Lambdas, invoking_server: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """`async with cloud(app) as it`: its worker is a function, deployed, and has left once."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", invoking_server.address)
    name = f"worker-{uuid4().hex[:8]}"

    @asynccontextmanager
    async def deployed(
        app: Sagents, milliseconds: int = MINUTE, process: Callable[[Settings], None] | None = None
    ) -> AsyncIterator[Cloud]:
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}:1"
        settings = Settings(
            home=tmp_path,
            task_queue=name,
            deployment=name,
            build_id="b1",
            idle_exit_ms=1_000,
            heartbeat_timeout_ms=2_000,
        )
        invoke = worker_function(app, settings)
        account.functions[arn] = lambda: process(settings) if process else invoke({}, Context(milliseconds))
        outside = await open_outside(settings)
        await deploy(settings, name, "b1", LambdaFunction(arn, ROLE, EXTERNAL_ID), wait=30)
        server = AgentServer(
            outside.client,
            store=outside.store,
            channel=outside.channel,
            presence=outside.presence,
            signer=outside.signer,
            task_queue=name,
            patience=timedelta(minutes=1),  # what a leaving worker took with it comes again after its timeout
        )
        it = Cloud(outside, server, account, before=0)
        await it.is_quiet()
        it.before = len(account.invocations)
        yield it
        await it.server.delete(it.agent_id)
        await it.is_quiet()
        server.close()
        assert account.failures == []

    return deployed


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, default_middleware=False, **options))
    return app


async def test_message_to_nobody_wakes_the_function_which_answers_and_leaves(cloud: Callable[..., Any]) -> None:
    async with cloud(app_of(echoes())) as it:
        assert it.account.running == 0
        await it.tell("hello")
        await it.is_at_last("idle")
        assert it.invocations >= 1
        await it.is_quiet()
        row = await it.outside.store.rows(it.agent_id)
        assert [said.text for said in row] == ["hello", "heard hello"]


async def test_agent_that_waits_for_an_approval_wakes_nothing_until_it_is_answered(cloud: Callable[..., Any]) -> None:
    @tool(approval=ask())
    def delete_all() -> str:
        """Delete everything."""
        return "all gone"

    async with cloud(app_of(uses("delete_all"), tools=[delete_all])) as it:
        await it.tell("clean up")
        await it.is_at_last("interrupted")
        await it.is_quiet()
        slept_since, invoked = time.monotonic(), it.invocations
        await until(lambda: _is_over(slept_since + 2))  # that nothing happens shows in time only
        assert it.invocations == invoked
        await it.server.resume(it.agent_id, Approve())
        await it.is_at_last("idle")
        assert it.invocations > invoked
        assert (await it.outside.store.rows(it.agent_id))[-1].text == "done: all gone"


async def _is_over(moment: float) -> bool:
    return time.monotonic() > moment


async def test_call_that_is_cut_by_the_end_of_an_invocation_ends_in_the_next_one(cloud: Callable[..., Any]) -> None:
    tries: list[int] = []

    @tool
    async def work() -> str:
        """Work for longer than the first invocation lasts."""
        tries.append(len(tries))
        if len(tries) == 1:
            await asyncio.Event().wait()
        return "worked"

    async with cloud(app_of(uses("work"), tools=[work]), milliseconds=7_000) as it:
        await it.tell("go")
        await it.is_at_last("idle")
        assert len(tries) == 2
        assert it.invocations >= 2
        assert (await it.outside.store.rows(it.agent_id))[-1].text == "done: worked"


@pytest.mark.parametrize("place", ["tool", "stream"])
async def test_function_that_is_killed_amid_its_work_is_invoked_again_and_the_run_ends(
    cloud: Callable[..., Any], invoking_server: DevServer, tmp_path: Path, place: str
) -> None:
    killed: list[int] = []

    def process(settings: Settings) -> None:
        environment = {
            **os.environ,
            "TEMPORAL_ADDRESS": invoking_server.address,
            "KILL_AT": place,
            "MARK": str(tmp_path / "killed"),
            "SAGENTS_HOME": str(settings.home),
            "SAGENTS_TASK_QUEUE": settings.task_queue,
            "SAGENTS_DEPLOYMENT": settings.deployment,
            "SAGENTS_BUILD_ID": settings.build_id,
            "SAGENTS_IDLE_EXIT_MS": "1000",
            "SAGENTS_HEARTBEAT_TIMEOUT_MS": "2000",
        }
        done = subprocess.run([sys.executable, "-m", "tests.support.apps.function"], env=environment, cwd=ROOT)
        killed.append(done.returncode)

    async with cloud(function.app, process=process) as it:
        await it.tell("go")
        await it.is_at_last("idle")
        rows = await it.outside.store.rows(it.agent_id)
        assert [row.text for row in rows if row.message_type == "assistant" and row.text][-1] == "It is done."
        assert [row.text for row in rows if row.content_type == "tool_result"] == ["worked"]
    assert killed.count(-signal.SIGKILL) == 1
    assert set(killed) <= {0, -signal.SIGKILL}


async def test_function_without_a_version_is_refused() -> None:
    with pytest.raises(InvalidInput, match="SAGENTS_BUILD_ID is not set"):
        worker_function(app_of(echoes()), Settings())
