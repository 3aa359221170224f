"""What docs/stores.md says of the table is what the store needs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sagents_infra.stores.dynamodb_address import OPTIONS
from sagents_infra.stores.dynamodb_schema import table_of

PAGE = (Path(__file__).resolve().parents[3] / "docs/stores.md").read_text(encoding="utf-8")
BLOCKS: list[Any] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_the_table_of_the_page_is_the_one_that_is_made() -> None:
    assert BLOCKS[0] == table_of("agents")


def test_the_rights_of_the_page_are_what_the_calls_of_the_store_need() -> None:
    """`TransactWriteItems` and `TransactGetItems` are allowed by the rights to what they do."""
    needs = {
        "batch_get_item": {"BatchGetItem"},
        "batch_write_item": {"BatchWriteItem"},
        "put_item": {"PutItem"},
        "query": {"Query"},
        "transact_get_items": {"GetItem"},
        "transact_write_items": {"ConditionCheckItem", "DeleteItem", "PutItem"},
    }
    stores = Path(__file__).resolve().parents[3] / "infra/sagents_infra/stores"
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(stores.glob("dynamodb_*.py")))
    called = set(re.findall(r'"((?:batch|transact|put|get|delete|update)_[a-z_]*items?|query|scan)"', source))
    assert called == set(needs)
    assert BLOCKS[1] == sorted(f"dynamodb:{right}" for right in set().union(*needs.values()))


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_of_an_address_is_on_the_page(option: str) -> None:
    assert re.search(rf"\b{option}=", PAGE)
