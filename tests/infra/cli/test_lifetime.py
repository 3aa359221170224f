"""The commands about an agent's whole life, against agents on a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from typer.testing import Result

from sagents import Agent, Sagents, Status
from sagents.client import AgentServer
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.cli import reaching
from sagents_infra.testing import AgentEnv
from tests.infra.cli.conftest import Run
from tests.support.driving import until
from tests.support.models import echoes

pytestmark = pytest.mark.asyncio
Type = Callable[..., Awaitable[Result]]


@pytest_asyncio.fixture
async def env(agent_env: Any) -> AsyncIterator[AgentEnv]:
    app = Sagents()
    app.agent("helper", Agent(model=echoes()))
    async with agent_env(app) as opened:
        yield opened


@pytest.fixture
def server(env: AgentEnv) -> AgentServer:
    return _server(env, env.client)


@pytest.fixture
def types(env: AgentEnv, sagents: Run, monkeypatch: pytest.MonkeyPatch) -> Type:
    """`await types("touch", "a")`: the command beside the worker, on a loop of its own."""

    async def connect() -> AgentServer:
        config = env.client.service_client.config
        client = await Client.connect(config.target_host, data_converter=env.client.data_converter)
        return _server(env, client)

    monkeypatch.setattr(reaching, "connect", connect)

    async def run(*arguments: str, input: str | None = None) -> Result:
        return await asyncio.to_thread(sagents, *arguments, input=input)

    return run


async def test_a_state_goes_out_and_in(types: Type, env: AgentEnv, server: AgentServer, tmp_path: Path) -> None:
    """L-44, E-39: what `export` writes `import` takes, for the same agent or for a new one."""
    await server.start("helper", agent_id=env.id(), messages=["hello"])
    printed = json.loads((await types("export", env.id())).stdout)
    assert printed["state"]["messages"][0]["content"] == "hello"
    file = str(tmp_path / "state.json")
    assert (await types("export", env.id(), "--out", file, "--json")).exit_code == 0
    assert (await types("reset", env.id())).stdout == "reset\n"
    await until(lambda: _says(server, env.id(), []))
    assert json.loads((await types("import", env.id(), file, "--json")).stdout)["started"] is False
    await until(lambda: _says(server, env.id(), ["hello"]))
    clone = await types("import", env.id("clone"), "--agent", "helper", "--json", input=json.dumps(printed))
    assert json.loads(clone.stdout) == {"agent_id": env.id("clone"), "started": True}
    await until(lambda: _says(server, env.id("clone"), ["hello"]))


@pytest.mark.parametrize("body", ["{", "[]", '{"version": 99}'])
async def test_what_is_no_export_is_exit_code_2(types: Type, env: AgentEnv, server: AgentServer, body: str) -> None:
    await server.start("helper", agent_id=env.id())
    result = await types("import", env.id(), input=body)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr


async def test_a_touch_says_whether_it_changed_anything(types: Type, env: AgentEnv, server: AgentServer) -> None:
    """L-21."""
    await server.start("helper", agent_id=env.id())
    await server.messages(env.id())
    assert json.loads((await types("touch", env.id(), "--json")).stdout) == {"agent_id": env.id(), "touched": False}
    assert "nothing changed" in (await types("touch", env.id())).stdout


async def test_who_looks_is_said_and_unsaid(types: Type, env: AgentEnv, server: AgentServer) -> None:
    await server.start("helper", agent_id=env.id())
    joined = await types("join", env.id(), "ann", "--connection", "tab1", "--json")
    assert json.loads(joined.stdout) == {"agent_id": env.id(), "viewer": "ann", "running": True}
    await until(lambda: _viewers(server, env.id(), ["ann"]))
    assert (await types("leave", env.id(), "ann")).stdout == "ann looks no more\n"
    await until(lambda: _viewers(server, env.id(), []))
    assert (await types("join", env.id(), "ann", "bob")).exit_code == 2


async def test_stopping_says_whether_it_ran(types: Type, env: AgentEnv, server: AgentServer) -> None:
    """L-41, B-124."""
    await server.start("helper", agent_id=env.id())
    stopped = await types("stop", env.id(), "--reason", "lunch", "--json")
    assert json.loads(stopped.stdout) == {"agent_id": env.id(), "result": "stopped"}
    assert (await types("stop", env.id())).stdout == "not running\n"


async def test_deleting_asks_first_and_then_forgets(types: Type, env: AgentEnv, server: AgentServer) -> None:
    await server.start("helper", agent_id=env.id())
    assert (await types("delete", env.id(), input="n\n")).exit_code == 1
    assert await server.exists(env.id())
    assert (await types("delete", env.id(), "--yes")).stdout == "deleted\n"
    assert not await server.exists(env.id())
    assert (await types("delete", env.id(), "--yes")).exit_code == 3


async def test_lists_are_narrowed_by_pattern_and_status(types: Type, env: AgentEnv, server: AgentServer) -> None:
    """L-63, L-64, L-65."""
    ids = sorted(env.id(name) for name in ("conversation", "conversion"))
    for agent_id in ids:
        await server.start("helper", agent_id=agent_id)

    async def listed() -> bool:
        return bool(await server.list_running_agents(status=Status.IDLE) == ids)

    await until(listed)
    assert json.loads((await types("ls", "--match", "conversation*", "--json")).stdout) == ids[:1]
    assert (await types("ls", "--status", "idle")).stdout.split() == ids
    assert json.loads((await types("count", "--status", "running", "--json")).stdout) == {"count": 0}
    assert (await types("count")).stdout == "2\n"
    assert (await types("ls", "--status", "asleep")).exit_code == 2


async def test_an_agent_that_is_not_there_is_exit_code_3(types: Type) -> None:
    """E-38."""
    for command in (["touch"], ["reset"], ["export"], ["delete", "--yes"]):
        assert (await types(command[0], "nobody", *command[1:])).exit_code == 3


def _server(env: AgentEnv, client: Client) -> AgentServer:
    return AgentServer(
        client,
        store=env.store,
        channel=MemoryChannel(),
        presence=env.presence,
        task_queue=env.settings.task_queue,
    )


async def _says(server: AgentServer, agent_id: str, texts: list[str]) -> bool:
    return [message.text for message in await server.messages(agent_id)] == texts


async def _viewers(server: AgentServer, agent_id: str, names: list[str]) -> bool:
    info = await server.agent_info(agent_id)
    return info is not None and [one.viewer for one in info.viewers] == names
