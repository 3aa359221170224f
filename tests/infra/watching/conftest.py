"""Where an agent's events are kept and announced, in one process and in two."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sagents.client import watching
from sagents_infra.channels import LocalChannel, MemoryChannel
from sagents_infra.stores import MemoryStore, SqliteStore
from tests.support.watching import Ends


@pytest.fixture
def memory() -> Ends:
    channel = MemoryChannel()
    return Ends(MemoryStore(), channel, channel)


@pytest.fixture(params=["memory", "local", "local, two ends"])
def ends(request: pytest.FixtureRequest, tmp_path: Path, memory: Ends) -> Iterator[Ends]:
    if request.param == "memory":
        yield memory
        return
    store, into = SqliteStore(tmp_path / "store.db"), LocalChannel(tmp_path / "channel.db")
    out = into if request.param == "local" else LocalChannel(tmp_path / "channel.db")
    yield Ends(store, into, out)
    into.close()
    out.close()
    store.close()


@pytest.fixture
def no_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watcher does not look at the log by itself: what it hears, the channel brought."""
    monkeypatch.setattr(watching, "SOON", timedelta(hours=1))
    monkeypatch.setattr(watching, "SELDOM", timedelta(hours=1))


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SOON", timedelta(milliseconds=2))
    monkeypatch.setattr(watching, "SELDOM", timedelta(milliseconds=20))
