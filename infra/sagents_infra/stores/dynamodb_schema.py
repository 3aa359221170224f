"""The table of the DynamoDB store as AWS has to make it."""

import re
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sagents.errors import StoreUnavailable
from sagents_infra.stores.dynamodb_table import INDEX

EXPIRES = "expires"
NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


def table_of(name: str) -> dict[str, Any]:
    """What `create_table` takes."""
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "sk", "kind", "place")
        ],
        "KeySchema": _keys("pk", "sk"),
        "GlobalSecondaryIndexes": [
            {"IndexName": INDEX, "KeySchema": _keys("kind", "place"), "Projection": {"ProjectionType": "ALL"}}
        ],
    }


def ensure_table(client: Any, name: str) -> None:
    """Make the table where there is none, and wait until it can be used; a table that is there stays as it is."""
    try:
        with suppress(client.exceptions.ResourceInUseException):
            client.create_table(**table_of(name))
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        status = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
        if status == "DISABLED":
            expiry = {"Enabled": True, "AttributeName": EXPIRES}
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable(f"DynamoDB table {name!r} cannot be made: {error}") from error


def _keys(first: str, second: str) -> list[dict[str, str]]:
    return [{"AttributeName": first, "KeyType": "HASH"}, {"AttributeName": second, "KeyType": "RANGE"}]
