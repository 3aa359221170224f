"""A Redis, and an API of WebSockets, for the tests that need one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sagents_infra.channels import local, redis_streams
from tests.support.api_gateway import ApiGateway
from tests.support.aws import KEYS
from tests.support.redis_server import RedisServer


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishers wait for as long as a busy machine may take; tests of their patience say what it is."""
    for channel in (local, redis_streams):
        monkeypatch.setattr(channel, "PATIENCE", timedelta(seconds=30))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    yield from _served(tmp_path_factory.mktemp("redis"))


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may end."""
    yield from _served(tmp_path)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiGateway]:
    """An API, and the environment in which AWS's SDK signs what it is sent."""
    for name, value in {**KEYS, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    with ApiGateway().serving() as serving:
        yield serving


def _served(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    server.start()
    yield server
    server.stop()
