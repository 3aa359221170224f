"""The stores that the contract suite holds to one specification."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sagents.ports import Store
from sagents_infra.stores import MemoryStore, SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        sqlite = SqliteStore(tmp_path / "store.sqlite")
        yield sqlite
        sqlite.close()
