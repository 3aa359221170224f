"""A DynamoDB table: reads that see every write before them, transactions, and what to do when others are faster.

Every write is a transaction, also of one row. The SDK sends it again under the token that it had, so that a write whose
answer was lost is not taken for somebody else's.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any, Literal, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from sagents.errors import Damaged, StoreUnavailable
from sagents_infra.stores.dynamodb_rows import SHARDS, Key, Row, packed, shard, unpacked

T = TypeVar("T")

INDEX = "listed"
SCHEMA, SCHEMA_KEY = 1, Key("schema", "schema")
ABSENT: Row = {}
"""The condition that there is no such row."""
ONCE = {"get": 100, "delete": 25}
"""Keys that one request takes."""
AT_LEAST = 2
"""Times that a call is tried anew, however long the tries take."""
OTHERS = {"ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "None"}
"""Why a transaction was cancelled when it is right to read anew and try again. It has written nothing."""

OURS = {"ValidationError", "ValidationException"}
"""Mistakes of ours, which waiting does not mend."""


class Raced(Exception):
    """Others were faster, or too many at once; nothing was written."""


class Torn(Raced):
    """A part of a text is missing: it was replaced while it was read, or it is lost."""


class Write(NamedTuple):
    """A row to put, or the key of one to delete or only to check. `where` is what the stored row has to have."""

    row: Row
    where: Row | None = None
    action: Literal["Put", "Delete", "ConditionCheck"] = "Put"


class Table:
    """Blocking calls of a boto3 client; threads may share it. Raises `StoreUnavailable` for all that can be mended."""

    def __init__(self, client: Any, name: str, patience: timedelta) -> None:
        self.client, self.name, self._patience = client, name, patience
        self._checked = False

    def settled(self, work: Callable[[], T]) -> T:
        """Do `work` anew as long as others are faster, within bounds. It has to read all that it decides by."""
        self._check_schema()
        until = time.monotonic() + self._patience.total_seconds()
        for attempt in count():
            try:
                return work()
            except Raced as raced:
                if attempt >= AT_LEAST and time.monotonic() > until:
                    raise self._gave_up(raced) from raced
                time.sleep(random.uniform(0, min(0.2, 0.01 * 2**attempt)))
        raise AssertionError

    def get(self, keys: Sequence[Key], columns: Sequence[str] = ()) -> dict[Key, Row]:
        """Those of the rows that are there, with these attributes only where some are named."""
        found = dict[Key, Row]()
        wanted = [packed(key.row) for key in dict.fromkeys(keys)]
        for some in _slices(wanted, ONCE["get"]):
            request = {"Keys": some, "ConsistentRead": True, **_projection(columns)}
            for answer in self._until_done("batch_get_item", "UnprocessedKeys", request):
                rows = [unpacked(item) for item in answer["Responses"].get(self.name, ())]
                found |= {Key.of(row): row for row in rows}
        return found

    def one(self, key: Key, columns: Sequence[str] = ()) -> Row | None:
        return self.get([key], columns).get(key)

    def query(
        self, partition: str, between: tuple[str, str] | None = None, limit: int | None = None, **more: Any
    ) -> Iterator[Row]:
        """The rows of a partition, in the order of their sort keys; or those with sort keys between two."""
        condition, values = "pk = :pk", {":pk": partition}
        if between is not None:
            condition, values = (
                f"{condition} AND sk BETWEEN :first AND :last",
                {**values, ":first": between[0], ":last": between[1]},
            )
        query = {
            "ConsistentRead": True,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": packed(values),
        }
        left = limit
        for page in self._pages({**query, **more}, limit):
            for item in page:
                if left == 0:
                    return
                left = None if left is None else left - 1
                yield unpacked(item)
            if left == 0:
                return

    def keys(self, partition: str, *columns: str) -> list[Row]:
        """The keys of all rows of a partition, and these attributes."""
        return list(self.query(partition, **_projection(columns or ["pk"])))

    def listed(self, kind: str) -> Iterator[Row]:
        """The rows of one kind over all agents, from the index: a moment behind what was written last."""
        for number in range(SHARDS):
            values = packed({":kind": shard(kind, number)})
            names = {"#kind": "kind"}
            query = {"IndexName": INDEX, "KeyConditionExpression": "#kind = :kind", "ExpressionAttributeNames": names}
            for page in self._pages({**query, "ExpressionAttributeValues": values}, None):
                yield from (unpacked(item) for item in page)

    def placed(self, kind: str, prefix: str) -> list[Row]:
        """The rows of one partition of the index whose place begins like this; a moment behind, too."""
        condition = {
            "IndexName": INDEX,
            "KeyConditionExpression": "#kind = :kind AND begins_with(#place, :prefix)",
            "ExpressionAttributeNames": {"#kind": "kind", "#place": "place"},
            "ExpressionAttributeValues": packed({":kind": kind, ":prefix": prefix}),
        }
        return [unpacked(item) for page in self._pages(condition, None) for item in page]

    def write(self, writes: Sequence[Write]) -> None:
        """All of it or nothing. Raises `Raced` where a condition does not hold."""
        self._call("transact_write_items", TransactItems=[self._item(write) for write in writes])

    def put(self, row: Row) -> None:
        """Write a row that is nobody else's."""
        self._call("put_item", Item=packed(row), TableName=self.name)

    def delete(self, keys: Sequence[Key]) -> None:
        for some in _slices([{"DeleteRequest": {"Key": packed(key.row)}} for key in keys], ONCE["delete"]):
            for _ in self._until_done("batch_write_item", "UnprocessedItems", some):
                pass

    def _item(self, write: Write) -> dict[str, Any]:
        content = {"Item": packed(write.row)} if write.action == "Put" else {"Key": packed(write.row)}
        return {write.action: {"TableName": self.name, **content, **_condition(write.where)}}

    def _pages(self, query: Mapping[str, Any], limit: int | None) -> Iterator[list[dict[str, Any]]]:
        more: dict[str, Any] = {} if limit is None else {"Limit": limit}
        while True:
            page = self._call("query", TableName=self.name, **query, **more)
            yield page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _until_done(self, call: str, left: str, request: Any) -> Iterator[dict[str, Any]]:
        """Answers to a request of many rows, of which DynamoDB may do some only, and say which are left."""
        until = time.monotonic() + self._patience.total_seconds()
        for attempt in count():
            answer = self._call(call, RequestItems={self.name: request})
            yield answer
            request = answer.get(left, {}).get(self.name)
            if not request:
                return
            if time.monotonic() > until:
                raise StoreUnavailable(f"DynamoDB table {self.name!r} is asked for more than its capacity.")
            time.sleep(random.uniform(0, min(0.2, 0.01 * 2**attempt)))

    def _call(self, name: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, name)(**arguments)
        except ParamValidationError:
            raise
        except ClientError as error:
            reasons = _reasons(error)
            if reasons <= OTHERS:
                raise Raced(str(error)) from error
            if reasons & OURS:
                raise
            raise self._unavailable(error) from error
        except BotoCoreError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        where = f"DynamoDB table {self.name!r} at {self.client.meta.endpoint_url}"
        return StoreUnavailable(f"{where} is out of reach: {error}. Look at its name, its region and your rights.")

    def _gave_up(self, raced: Raced) -> Exception:
        if isinstance(raced, Torn):
            return Damaged(str(raced))
        return StoreUnavailable(
            f"DynamoDB table {self.name!r}: others were always faster, or it has too little capacity: {raced}"
        )

    def _check_schema(self) -> None:
        if self._checked:
            return
        found = self.one(SCHEMA_KEY)
        if found is None:
            with suppress(Raced):
                self.write([Write({**SCHEMA_KEY.row, "version": SCHEMA}, ABSENT)])
        elif found["version"] > SCHEMA:
            raise StoreUnavailable(
                f"DynamoDB table {self.name!r} was written by a newer Sagents (schema {found['version']}, "
                f"this one knows {SCHEMA}); upgrade."
            )
        self._checked = True


def _condition(where: Row | None) -> dict[str, Any]:
    if where is None:
        return {}
    if not where:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": " AND ".join(f"#{name} = :{name}" for name in where),
        "ExpressionAttributeNames": {f"#{name}": name for name in where},
        "ExpressionAttributeValues": {f":{name}": value for name, value in packed(where).items()},
    }


def _projection(columns: Sequence[str]) -> dict[str, Any]:
    """A row's key and these attributes; all of them where none is named."""
    if not columns:
        return {}
    names = {f"#{name}": name for name in ("pk", "sk", *columns)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}


def _slices(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def _reasons(error: ClientError) -> set[str]:
    """Why a transaction was cancelled, or the error's own name."""
    reasons = {str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", ())}
    return reasons or {str(error.response.get("Error", {}).get("Code", ""))}
