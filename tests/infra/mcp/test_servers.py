"""What an MCP server offers and answers, by both transports, in a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from sagents.messages import PartType
from sagents.ports import ServerAddress, ServerAnswer, ServerTool
from sagents_infra.mcp import connect, connections
from sagents_infra.mcp.pool import pool
from tests.infra.mcp.sites import OLDER_PROGRAM, PROGRAM, Site
from tests.infra.mcp.talking import call, text, tool, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["stdio", "http"])
async def address(request: pytest.FixtureRequest) -> AsyncIterator[ServerAddress]:
    """One process for all of these tests."""
    site = Site()
    if request.param == "http":
        await site.start()
    yield site.address() if request.param == "http" else PROGRAM
    await pool().close()
    await site.stop()


async def test_its_tools_are_listed_with_what_it_says_of_them(address: ServerAddress) -> None:
    add, delete = await tool(address, "add"), await tool(address, "delete")
    assert (add.title, add.description) == ("Adding up", "Add two numbers.")
    assert add.parameters["required"] == ["a", "b"]
    assert (add.read_only, add.destructive, add.may_run_twice) == (True, False, True)
    assert (delete.read_only, delete.destructive, delete.may_run_twice) == (False, True, False)
    assert (await tool(address, "die_once_harmlessly")).may_run_twice
    assert not (await tool(address, "fail")).destructive


async def test_a_call_comes_back_with_its_value(address: ServerAddress) -> None:
    answer = await call(address, "weather", city="Oslo")
    assert answer.value == {"city": "Oslo", "degrees": 21}
    assert '"degrees": 21' in text(answer)
    assert text(await call(address, "add", a=2, b=3)) == "5"


async def test_errors_of_a_tool_and_of_the_protocol_are_answers(address: ServerAddress) -> None:
    failed = await call(address, "fail", why="no ink")
    assert failed.is_error
    assert "no ink" in text(failed)
    unknown = await connect(address).call(ServerTool(name="nothing"), {}, print)
    assert unknown.is_error
    assert "nothing" in text(unknown)
    wrong = await call(address, "add", a="two")
    assert wrong.is_error


async def test_images_are_parts_and_what_models_cannot_see_is_told_in_words(address: ServerAddress) -> None:
    (image,) = (await call(address, "picture")).content
    assert (image.type, image.options) == (PartType.IMAGE, {"media_type": "image/png"})
    said = text(await call(address, "everything")).split("|")
    assert said == [
        "Here:",
        "[a recording, audio/wav, 6 bytes: it cannot be shown here]",
        "Resource report: https://example.org/report.pdf",
        "Resource memo://note:\nBuy milk",
        "[memo://film, video/mp4, 3 bytes: it cannot be shown here]",
    ]


async def test_progress_is_told(address: ServerAddress) -> None:
    heard: list[str] = []
    assert text(await call(address, "slow", heard)) == "done"
    assert heard == ["half of it"]


async def test_calls_side_by_side_get_their_own_answers(address: ServerAddress) -> None:
    answers = await asyncio.gather(*(call(address, "add", a=n, b=n) for n in range(20)))
    assert [text(answer) for answer in answers] == [str(2 * n) for n in range(20)]


async def test_a_tool_that_is_new_is_there_as_soon_as_the_server_tells(address: ServerAddress) -> None:
    long = replace(address, refresh_after=timedelta(days=1))
    assert "extra" not in [tool.name for tool in await connect(long).tools()]
    await call(long, "grow", called="extra")

    async def is_there() -> bool:
        return "extra" in [tool.name for tool in await connect(long).tools()]

    await until(is_there)


async def test_an_older_server_is_understood_and_its_changes_are_heard() -> None:
    assert [tool.name for tool in await connect(OLDER_PROGRAM).tools()] == ["first", "second"]
    assert text(await call(OLDER_PROGRAM, "first")) == "first was here"

    async def is_there() -> bool:
        return "third" in [tool.name for tool in await connect(OLDER_PROGRAM).tools()]

    await until(is_there)


async def test_the_list_is_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    recent = replace(PROGRAM, env=(("COLOUR", "green"),))
    listed = connections._all_pages

    async def counted(client: Any) -> Any:
        asked.append(1)
        return await listed(client)

    monkeypatch.setattr(connections, "_all_pages", counted)
    await connect(recent).tools()
    await connect(recent).tools()
    assert len(asked) == 1
    brief = replace(recent, refresh_after=timedelta(microseconds=1))
    await connect(brief).tools()
    await connect(brief).tools()
    assert len(asked) == 3


async def test_a_cancelled_call_leaves_the_connection_to_the_others(address: ServerAddress) -> None:
    await tool(address, "add")
    calls = [asyncio.create_task(call(address, "add", a=1, b=n)) for n in range(5)]
    await asyncio.sleep(0)
    calls[0].cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert [text(answer) for answer in answers[1:] if isinstance(answer, ServerAnswer)] == ["2", "3", "4", "5"]
