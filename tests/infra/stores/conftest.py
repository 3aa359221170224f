"""The stores that the contract suite holds to one specification: memory, a file, and a table behind real HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from sagents.ports import Store
from sagents_infra.stores import MemoryStore, SqliteStore
from sagents_infra.stores.dynamodb import DynamoDBStore, dynamodb_client
from sagents_infra.stores.dynamodb_schema import ensure_table
from tests.infra.stores import dynamodb_servers

KINDS = ["memory", "sqlite", "dynamodb"]


@pytest.fixture(scope="session")
def dynamodb_url() -> Iterator[str]:
    yield from dynamodb_servers.serve()


@pytest.fixture(scope="session")
def tables(dynamodb_url: str) -> Iterator[Callable[[], DynamoDBStore]]:
    """Makes a store in a new table."""
    with dynamodb_servers.credentials():
        client = dynamodb_client("us-east-1", dynamodb_url)

        def make() -> DynamoDBStore:
            name = f"agents-{uuid4().hex}"
            ensure_table(client, name)
            return DynamoDBStore(client, name)

        yield make


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    if request.param == "sqlite":
        kept: SqliteStore | DynamoDBStore = SqliteStore(tmp_path / "store.sqlite")
    else:
        kept = request.getfixturevalue("tables")()
    yield kept
    kept.close()
