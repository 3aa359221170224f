"""Connections with MCP servers: who shares them, what happens where they break, and when they end."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sagents.errors import ToolServerFailed
from sagents.ports import ServerAddress, ServerTool
from sagents_infra.mcp import connect, sessions
from sagents_infra.mcp.pool import Pool, pool
from tests.infra.mcp.older_site import OlderSite
from tests.infra.mcp.sites import PROGRAM, Site
from tests.infra.mcp.talking import call, text, tool, until

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(autouse=True)
async def closed_connections() -> AsyncIterator[None]:
    """What a test has opened is closed when it ends, with the programs that were started."""
    yield
    await pool().close()


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.start()
    yield site
    await site.stop()


async def test_one_process_serves_all_who_have_the_same_address() -> None:
    first, second = text(await call(PROGRAM, "who")), text(await call(replace(PROGRAM), "who"))
    assert first == second
    other = replace(PROGRAM, env=(("COLOUR", "blue"),))
    assert text(await call(other, "who")).split()[1] == "blue"
    assert text(await call(other, "who")).split()[0] != first.split()[0]


async def test_a_program_gets_the_variables_it_is_given_and_no_secrets_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    assert text(await call(PROGRAM, "who")).split()[1:3] == ["red", "-"]


async def test_headers_are_sent_and_belong_to_their_address_alone(site: Site) -> None:
    ada, bob = site.address(**{"x-user": "ada"}), site.address(**{"x-user": "bob"})
    answers = await asyncio.gather(call(ada, "who"), call(bob, "who"))
    assert [text(answer).split()[3] for answer in answers] == ["ada", "bob"]
    assert "ada" not in repr(ada)


async def test_a_program_that_has_ended_is_started_again_by_the_next_call() -> None:
    """Also where the call may not run twice: it was not sent."""
    delete, ended = await tool(PROGRAM, "delete"), int(text(await call(PROGRAM, "who")).split()[0])
    os.kill(ended, 9)
    await until(lambda: _is_over(PROGRAM))
    assert text(await connect(PROGRAM).call(delete, {"path": "a"}, print)) == "a is gone"
    assert int(text(await call(PROGRAM, "who")).split()[0]) != ended


async def _is_over(address: ServerAddress) -> bool:
    with pool().using(address) as connection:
        return connection._session is None or connection._session.over


@pytest.mark.parametrize("over", ["stdio", "http"])
async def test_a_call_that_may_not_run_twice_says_so_where_its_connection_breaks_off(
    over: str, tmp_path: Path, site: Site
) -> None:
    address = site.address() if over == "http" else PROGRAM
    with pytest.raises(ToolServerFailed, match="may have taken effect; check before repeating"):
        await call(address, "die_once", mark=str(tmp_path / "mark"))
    if over == "http":
        await site.stop()
        await site.start()
    assert text(await call(address, "add", a=1, b=1)) == "2"


async def test_a_call_that_may_run_twice_is_made_again(tmp_path: Path) -> None:
    assert text(await call(PROGRAM, "die_once_harmlessly", mark=str(tmp_path / "mark"))) == "alive"


async def test_a_server_that_came_back_is_used_again(site: Site) -> None:
    address = site.address()
    add = await tool(address, "add")
    await site.stop()
    await site.start()
    assert text(await connect(address).call(add, {"a": 1, "b": 2}, print)) == "3"


async def test_while_it_is_out_of_reach_its_last_list_counts_and_calls_fail(site: Site) -> None:
    address = replace(site.address(), refresh_after=timedelta(microseconds=1))
    before = await connect(address).tools()
    await site.stop()
    assert await connect(address).tools() == before
    with pytest.raises(ToolServerFailed, match="numbers"):
        await connect(address).call(before[0], {"a": 1, "b": 2}, print)


async def test_a_server_that_cannot_be_reached_is_not_tried_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    open_session = sessions.Session.opened

    async def counted(*arguments: Any) -> Any:
        opened.append(arguments)
        return await open_session(*arguments)

    monkeypatch.setattr(sessions.Session, "opened", counted)
    nobody = ServerAddress(name="nobody", url="http://127.0.0.1:9/mcp")
    for _ in range(3):
        with pytest.raises(ToolServerFailed, match="nobody cannot be reached"):
            await connect(nobody).tools()
    assert len(opened) == 1


async def test_a_program_that_does_not_exist_or_never_answers_is_told() -> None:
    with pytest.raises(ToolServerFailed, match=r"cannot be reached: .*no-such-program"):
        await connect(ServerAddress(name="x", command=("no-such-program",))).tools()
    silent = ServerAddress(name="silent", command=("sleep", "60"), patience=timedelta(milliseconds=300))
    with pytest.raises(ToolServerFailed, match=r"silent did not answer within 0\.3 seconds"):
        await connect(silent).tools()


async def test_a_connection_that_nobody_uses_ends_with_its_program() -> None:
    mine = Pool(idle=0.05)
    with mine.using(PROGRAM) as connection:
        pid = int(text(await connection.call(ServerTool(name="who"), {}, print)).split()[0])
    await until(lambda: _has_ended(pid))
    with mine.using(PROGRAM) as other:
        assert other is not connection
    await mine.close()


async def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_of_too_many_connections_the_one_used_longest_ago_is_closed() -> None:
    mine, places = Pool(most=2), [ServerAddress(name=name, command=("true",)) for name in "abc"]
    with mine.using(places[0]) as busy:
        with mine.using(places[1]) as idle:
            pass
        with mine.using(places[2]):
            pass
        with mine.using(places[0]) as still:
            assert still is busy
        with mine.using(places[1]) as again:
            assert again is not idle
    await mine.close()


async def test_a_call_that_never_reached_the_server_is_no_doubt_to_the_model(site: Site) -> None:
    """Nothing can have happened, so nobody has to check."""
    address = site.address()
    delete = await tool(address, "delete")
    await site.stop()
    with pytest.raises(ToolServerFailed, match="cannot be reached") as failed:
        await connect(address).call(delete, {"path": "a"}, print)
    assert "may have taken effect" not in str(failed.value)


async def test_a_session_that_the_server_has_forgotten_is_made_anew_also_for_a_call_that_may_not_run_twice() -> None:
    """The server did not look at the call."""
    site = OlderSite()
    with site.open() as address:
        assert text(await call(address, "send")) == "s1: sent"
        site.known.clear()
        assert text(await call(address, "send")) == "s2: sent"
        assert site.called == ["send", "send"]
        await pool().close()
