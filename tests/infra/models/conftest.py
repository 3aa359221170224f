"""A model server that nobody here wrote, and the environment in which every provider is found there."""

import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import JsonValue

from sagents.ports import ToolSpec
from sagents_infra.models.pydantic_ai import resolve
from tests.infra.models.relay import Relay

ROOT = Path(__file__).resolve().parents[3]
LLMOCK = ROOT / "node_modules/.bin/llmock"
FIXTURES = Path(__file__).with_name("fixtures")
ADDRESSES = {
    "ANTHROPIC_BASE_URL": "",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "",
    "GOOGLE_GEMINI_BASE_URL": "",
    "OPENAI_BASE_URL": "/v1",
}
KEYS = ("ANTHROPIC_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY")
STRANGE = ("AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "AWS_SESSION_TOKEN", "GEMINI_API_KEY", "http_proxy", "HTTP_PROXY")


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server, one for each process of the tests."""
    if not LLMOCK.exists() or shutil.which("node") is None:
        pytest.fail(f"These tests ask a real server, {LLMOCK.relative_to(ROOT)} on Node; `make test` installs both.")
    log = tmp_path_factory.mktemp("llmock") / "log"
    with log.open("w") as out:
        command = [str(LLMOCK), "--port", "0", "--fixtures", str(FIXTURES)]
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server listens, once it says so."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.poll() is None:
        if listening := re.search(r"listening on (http://\S+)", log.read_text()):
            return listening.group(1)
        time.sleep(0.02)
    pytest.fail(f"The model server did not start:\n{log.read_text()}")


@pytest.fixture(autouse=True)
def at_peer(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every provider's address is the server's, every key is made up."""
    point_to(peer, monkeypatch)
    for key in KEYS:
        monkeypatch.setenv(key, "made-up")
    for name in STRANGE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    resolve.cache_clear()


@pytest_asyncio.fixture
async def relay(peer: str, at_peer: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    """A relay on the way to the server."""
    async with Relay(peer) as relay:
        point_to(relay.url, monkeypatch)
        yield relay


@pytest.fixture
def get_weather() -> ToolSpec:
    schema: dict[str, JsonValue] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return ToolSpec(name="get_weather", description="The weather in a city.", parameters=schema)


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in ADDRESSES.items():
        monkeypatch.setenv(name, url + path)
