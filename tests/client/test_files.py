"""Files of agents on a real worker: they outlive agents, stay out of history, and go with `delete`."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from sagents import Agent, Files, FileSystem, FileSystemConfig, Sagents, ToolContext, tool
from sagents.client import AgentServer
from sagents_infra.testing import AgentEnv
from tests.client.patience import settled
from tests.support.driving import until
from tests.support.models import uses

MIB = 1024 * 1024
SCOPE = {"tenant": "acme", "project": "p"}

pytestmark = pytest.mark.asyncio


@tool
async def fetch(context: ToolContext) -> str:
    """Fetch a report."""
    await context.files.write("/report.bin", b"x" * 10 * MIB)
    await context.files.of("project").write("/team/report.md", "a report")
    return f"{(await context.files.read('/report.bin')).size} bytes"


def office() -> Sagents:
    app = Sagents()
    team = FileSystemConfig(base_directory="team", scope="project")
    app.agent("helper", Agent(model=uses("fetch"), tools=[fetch], middleware=[FileSystem(directories=[team])]))
    return app


async def fetched(env: AgentEnv, server: AgentServer, **options: Any) -> str:
    """An agent that has fetched its report, and what it said."""
    await server.start("helper", agent_id=env.id(), **options)
    await server.add_message(env.id(), "fetch")
    await settled(server, env.id())
    return (await server.messages(env.id()))[-1].text


async def test_ten_megabytes_go_through_no_history_and_changes_are_in_the_log(serve: Any) -> None:
    """B-44, L-53."""
    async with serve(office()) as (server, env):
        assert await fetched(env, server, scope=SCOPE) == "done: 10485760 bytes"
        files = Files(env.blobs, env.id(), SCOPE)
        assert (await files.read("/report.bin")).size == 10 * MIB
        assert (await files.of("project").read("/team/report.md")).text == "a report"
        assert (await server.agent_info(env.id())).history_bytes < 50_000
        told = [event for event in await env.store.events(env.id()) if event.type == "file_updated"]
        assert [event.data for event in told] == [
            {"path": "/report.bin", "scope": "agent"},
            {"path": "/team/report.md", "scope": "project"},
        ]
        assert sum(len(event.model_dump_json()) for event in await env.store.events(env.id())) < 50_000
        await server.stop(env.id())
        assert await files.exists("/report.bin")


@pytest.mark.parametrize("scope", [SCOPE, {"project": "p"}], ids=["tenant", "no tenant"])
async def test_deleting_an_agent_deletes_its_own_files_and_no_others(serve: Any, scope: dict[str, str]) -> None:
    async with serve(office()) as (server, env):
        files = Files(env.blobs, env.id(), scope)
        await fetched(env, server, scope=scope)
        await Files(env.blobs, "other", scope).write("/mine.md", "x")
        assert await server.delete(env.id()) == "deleted"
        assert await files.list() == ()
        assert [one.path for one in await files.of("project").list()] == ["/team/report.md"]
        assert await Files(env.blobs, "other", scope).exists("/mine.md")


async def test_files_of_an_agent_that_has_never_saved_anything_are_found_by_what_temporal_knows(serve: Any) -> None:
    """It is terminated in its first run: no head says whose tenant's agent it was."""
    written, go = threading.Event(), threading.Event()

    @tool
    def note(context: ToolContext) -> str:
        """Note something, and take long."""
        asyncio.run(context.files.write("/note.md", "x"))
        written.set()
        go.wait(60)
        return "noted"

    app = Sagents()
    app.agent("helper", Agent(model=uses("note"), tools=[note]))
    async with serve(app) as (server, env):
        files = Files(env.blobs, env.id(), SCOPE)
        await server.start("helper", agent_id=env.id(), scope=SCOPE)
        await server.add_message(env.id(), "note")
        await until(lambda: _is_set(written))
        row = await env.store.load(env.id())
        assert row is not None
        assert row.head is None
        assert await files.exists("/note.md")
        await server.delete(env.id(), within=timedelta(milliseconds=200))
        assert await files.list() == ()
        go.set()


async def _is_set(flag: threading.Event) -> bool:
    return flag.is_set()
