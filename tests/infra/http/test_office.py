"""How the door connects, and what it says while nothing is there."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from sagents.errors import CannotAnswer
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.dev_server import free_port
from sagents_infra.http.handler import Door
from sagents_infra.http.office import Office
from sagents_infra.http.options import HttpOptions
from sagents_infra.identity import KeyRing
from sagents_infra.notify import MemoryNotifier
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.wiring import Outside
from tests.infra.http.asking import Front, desk_app

OPTIONS = HttpOptions(patience_ms=500, idle_ms=0)


async def lonely(folder: Path) -> Outside:
    """Everything but a Temporal: nobody listens where its client looks."""
    from sagents.memory_blobs import MemoryBlobs

    return Outside(
        client=await Client.connect(f"127.0.0.1:{free_port()}", lazy=True),
        store=MemoryStore(),
        channel=MemoryChannel(),
        presence=MemoryPresence(),
        signer=KeyRing.fresh(),
        notifier=MemoryNotifier(),
        blobs=MemoryBlobs(),
        settings=Settings(home=folder),
    )


def test_nothing_is_connected_before_somebody_asks_and_failing_is_no_state(tmp_path: Path) -> None:
    opened: list[str] = []

    async def opening(*_: object) -> Any:
        opened.append("tried")
        raise CannotAnswer("Temporal does not answer at nowhere.")

    front = Front(Door(Office(opening, opening, patience=timedelta(seconds=1), idle=timedelta(0)), OPTIONS))
    assert opened == []
    for _ in range(2):
        away = front.ask_now("GET", "/conversations/7")
        assert (away.status, away.problem) == (503, "unavailable")
        assert int(away.headers["Retry-After"]) > 0
    assert opened == ["tried"] * 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/conversations/7", None),
        ("POST", "/conversations/7/messages", {"content": "Hello"}),
        ("POST", "/conversations", {"agent": "echo"}),
        ("GET", "/health", None),
    ],
)
def test_an_unreachable_temporal_is_503_and_never_404(tmp_path: Path, method: str, path: str, body: Any) -> None:
    async def opening(*_: object) -> Outside:
        return await lonely(tmp_path)

    async def again(_: object) -> Client:
        return (await lonely(tmp_path)).client

    office = Office(opening, again, patience=OPTIONS.patience, idle=timedelta(hours=1))
    away = Front(Door(office, OPTIONS)).ask_now(method, path, body)
    assert (away.status, away.problem) == (503, "unavailable")
    office.close()


@pytest.mark.asyncio
async def test_a_connection_that_broke_in_a_long_pause_is_made_anew_once(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    async with serve(desk_app()) as (_, env):
        made: list[str] = []

        async def opening() -> Outside:
            return await lonely(tmp_path)

        async def again(_: object) -> Client:
            made.append("again")
            config = env.client.service_client.config
            return await Client.connect(config.target_host, data_converter=env.client.data_converter)

        office = Office(opening, again, patience=OPTIONS.patience, idle=timedelta(0))
        front = Front(Door(office, OPTIONS))
        assert (await front.get("/conversations/7")).status == 503
        assert (await front.get("/conversations/7")).status == 404
        assert (await front.get("/conversations/7")).status == 404
        assert made == ["again"]
        await asyncio.to_thread(office.close)
