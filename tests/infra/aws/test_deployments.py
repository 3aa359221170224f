"""Versions of workers on a real server: who may be named, who is current, and long-lived workers of a version."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from sagents import Agent, Sagents, SagentsError
from sagents.messages import Message
from sagents_infra.cli.deploying import deploy
from sagents_infra.deployments import Deployments, LambdaFunction
from sagents_infra.dev_server import DevServer
from sagents_infra.testing import AgentEnv
from tests.support.driving import started, until
from tests.support.lambdas import EXTERNAL_ID, ROLE, Lambdas
from tests.support.models import Thinks

pytestmark = pytest.mark.asyncio


async def test_function_that_temporal_may_not_reach_is_refused_with_what_it_says(
    account: Lambdas, invoking_server: DevServer
) -> None:
    client = await Client.connect(invoking_server.address)
    named = Deployments(client, f"d-{uuid4().hex[:8]}")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:refused:1"
    account.functions[arn] = lambda: None
    with pytest.raises(SagentsError, match="AccessDenied"):
        await named.register("b1", LambdaFunction(arn, ROLE, "another-word"))
    with pytest.raises(SagentsError, match="did not take"):
        await named.register("b1", LambdaFunction(f"{arn}7", ROLE, EXTERNAL_ID))


async def test_version_that_is_known_can_be_registered_again_with_another_function(
    account: Lambdas, invoking_server: DevServer
) -> None:
    client = await Client.connect(invoking_server.address)
    named = Deployments(client, f"d-{uuid4().hex[:8]}")
    for number in (1, 2):
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:again:{number}"
        account.functions[arn] = lambda: None
        await named.register("b1", LambdaFunction(arn, ROLE, EXTERNAL_ID))
    assert not await named.polls("b1")


def app_that_says(text: str) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=Thinks(lambda *_: Message.assistant(text))))
    return app


async def test_agent_goes_over_to_the_version_that_became_current(
    agent_env: Callable[..., Any], temporal_server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same worker as a long-lived process; `sagents worker` with SAGENTS_BUILD_ID is one."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    async with agent_env(app_that_says("first"), worker=False) as env:
        name = env.settings.task_queue
        async with of_version(env, name, "b1"):
            assert await deploy(env.settings, name, "b1", None, wait=30) == ""
            agent = await started(env, "helper")
            assert await agent.say("one") == "first"
            async with of_version(env, name, "b2", app_that_says("second")):
                assert await agent.say("two") == "first"
                assert await deploy(env.settings, name, "b2", None, wait=30) == "b1"

                async def says_the_second() -> bool:
                    return await agent.say("and now?") == "second"

                await until(says_the_second)  # a task that is under way ends where it began


def of_version(env: AgentEnv, name: str, build_id: str, app: Sagents | None = None) -> Any:
    env.settings = env.settings.model_copy(update={"deployment": name, "build_id": build_id})
    return env.worker(app)
