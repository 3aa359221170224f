"""The HTTP API beside `sagents dev`, and alone, as programs of this machine find it."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sagents_infra.dev_server import free_port
from tests.e2e.house import COMMAND, House, environment

ADDRESS = re.compile(r"^http     (http://127\.0\.0\.1:\d+), ", re.MULTILINE)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running project with its HTTP API."""
    house = House(tmp_path_factory.mktemp("http")).start("--http-port", str(free_port()))
    house.until(lambda: ADDRESS.search(house.log))
    yield house
    house.end()


def client(house: House, name: str, *options: str) -> httpx.Client:
    """Somebody with a token of this folder."""
    [address, *_] = ADDRESS.findall(house.log)
    token = house.sagents("token", name, *options).strip()
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def test_the_token_that_is_printed_is_good_for_a_conversation(house: House) -> None:
    printed = re.findall(r"^token    (\S+)$", house.log, re.MULTILINE)[-1]
    with client(house, "ann") as ann:
        assert ann.get("/agents", headers={"Authorization": f"Bearer {printed}"}).json() == {"agents": ["desk"]}
        started = ann.post("/conversations", json={"conversation_id": "h1", "message": "Hello"})
        assert started.status_code == 201, started.text
        house.until(lambda: len(ann.get("/conversations/h1/messages").json()["rows"]) == 2)
    with client(house, "ben") as ben:
        assert ben.get("/conversations/h1").status_code == 404
    with client(house, "boss", "--scope", "sagents:read", "--scope", "sagents:admin") as boss:
        assert boss.get("/conversations/h1").json()["owner"] == "ann"
        assert boss.post("/conversations/h1/touch").status_code == 403
    assert "There is no scope sagents:all" in house.sagents("token", "--scope", "sagents:all", expect=1)


def test_a_killed_one_is_replaced(house: House) -> None:
    with client(house, "ann") as ann:
        ann.post("/conversations", json={"conversation_id": "h2"})
        before = len(ADDRESS.findall(house.log))
        children = subprocess.run(["pgrep", "-P", str(house.dev and house.dev.pid)], capture_output=True, text=True)
        for child in children.stdout.split():
            if b"\0serve\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
        house.until(lambda: len(ADDRESS.findall(house.log)) > before)
        assert ann.get("/conversations/h2").status_code == 200


def test_alone_and_without_a_temporal_it_says_so(tmp_path: Path) -> None:
    nowhere = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "SAGENTS_HTTP_PATIENCE_MS": "500"}
    serving = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--no-auth"],
        cwd=tmp_path,
        env={**environment(), **nowhere},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        found = None
        while found is None:
            found = ADDRESS.search(serving.stdout.readline())
        assert "none is asked for" in serving.stdout.readline()
        away = httpx.get(f"{found[1]}/conversations/7", timeout=30)
        assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
    finally:
        serving.send_signal(signal.SIGINT)
        with serving:
            assert serving.wait(20) == 0
