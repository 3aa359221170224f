"""Where agents are kept, by the setting `SAGENTS_STORE`."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from sagents.errors import InvalidInput
from sagents_infra.cli.dev import _prepare_table
from sagents_infra.settings import Settings
from sagents_infra.stores import SqliteStore
from sagents_infra.stores.dynamodb import DynamoDBStore
from sagents_infra.stores.dynamodb_address import make_local_table
from sagents_infra.stores.keeping import Keeping
from sagents_infra.wiring import agent_store
from tests.infra.stores.dynamodb_servers import credentials


def test_agents_are_in_a_file_unless_said_otherwise(tmp_path: Path) -> None:
    store = agent_store(Settings(home=tmp_path))
    assert isinstance(store, SqliteStore)
    store.close()


@pytest.mark.asyncio
async def test_an_address_names_the_table_its_place_and_what_expires(
    dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"dynamodb://Agents.of-acme_1?region=eu-central-1&endpoint={dynamodb_url}&keep_records_days=30"
    monkeypatch.setenv("SAGENTS_STORE", address)
    with credentials():
        _prepare_table(address)  # as `sagents dev` does
        store = agent_store(Settings())
        assert isinstance(store, DynamoDBStore)
        assert (await store.take_over("acme:1", "run", 0)).generation == 1
        meta = store._table.client.meta
        assert (store._table.name, meta.region_name, meta.endpoint_url) == (
            "Agents.of-acme_1",
            "eu-central-1",
            dynamodb_url,
        )
        assert store._keeping == Keeping(records=timedelta(days=30))
        store.close()


@pytest.mark.asyncio
async def test_settings_say_how_long_is_kept_and_an_address_may_say_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGENTS_KEEP_RECORDS_DAYS", "90")
    monkeypatch.setenv("SAGENTS_KEEP_EVENTS_DAYS", "365")
    with credentials():
        file = agent_store(Settings(home=tmp_path))
        table = agent_store(Settings(store="dynamodb://agents?region=eu-central-1&keep_events_days=7"))
    assert isinstance(file, SqliteStore)
    assert isinstance(table, DynamoDBStore)
    assert file._keeping == Keeping(timedelta(days=90), timedelta(days=365))
    assert table._keeping == Keeping(timedelta(days=90), timedelta(days=7))
    file.close()
    table.close()


def test_no_table_is_made_but_at_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagents_infra.stores.dynamodb_address.ensure_table", lambda *_: pytest.fail("it was made"))
    with credentials():
        make_local_table("dynamodb://agents?region=eu-central-1")


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("postgres://agents", "it has to be sqlite or dynamodb"),
        ("dynamodb://", "'' is no name of a table"),
        ("dynamodb://a", "'a' is no name of a table"),
        ("dynamodb://agents/prefix", "'agents/prefix' is no name of a table"),
        ("dynamodb://agents?zone=a", "'zone' is no option"),
        ("dynamodb://agents?keep_events_days=soon", "keep_events_days is a whole number of days, not 'soon'"),
        ("dynamodb://agents?keep_records_days=0", "keep_records_days is a whole number of days"),
    ],
    ids=["scheme", "no table", "short", "path", "option", "no number", "zero"],
)
def test_an_address_that_is_none_is_refused_with_the_reason(address: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        agent_store(Settings(store=address))


def test_the_sdk_is_imported_by_nobody_who_does_not_ask_for_it(tmp_path: Path) -> None:
    program = (
        "import sys, sagents_infra.stores, sagents_infra.wiring as w, sagents_infra.settings as s;"
        f"w.agent_store(s.Settings(home={str(tmp_path)!r})).close();"
        "print(sorted({'boto3', 'botocore'} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
