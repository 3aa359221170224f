"""A DynamoDB table: reads that see every write before them, and transactions.

Every write is a transaction, also of one row. The SDK sends it again under the token that it had, so that a write whose
answer was lost is not taken for somebody else's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain, islice
from typing import Any, Literal, NamedTuple, TypeVar

from sagents.errors import StoreUnavailable
from sagents_infra.stores.dynamodb_calls import Calls, Raced
from sagents_infra.stores.dynamodb_rows import SHARDS, Key, Row, packed, shard, unpacked

T = TypeVar("T")

INDEX = "listed"
SCHEMA, SCHEMA_KEY = 1, Key("schema", "schema")
ABSENT: Row = {}
"""The condition that there is no such row."""
ONCE = {"get": 100, "delete": 25}
"""Keys that one request takes."""


class Write(NamedTuple):
    """A row to put, or the key of one to delete or only to check. `where` is what the stored row has to have."""

    row: Row
    where: Row | None = None
    action: Literal["Put", "Delete", "ConditionCheck"] = "Put"


class Table:
    """Reads and writes of rows. Threads may share it; calls block."""

    def __init__(self, client: Any, name: str, patience: timedelta) -> None:
        self.client, self.name = client, name
        self._calls = Calls(client, name, patience)
        self._checked = False

    def settled(self, work: Callable[[], T]) -> T:
        """Do `work`, anew as long as others are faster, within bounds. It has to read all that it decides by."""
        self._check_schema()
        return self._calls.settled(work)

    def get(self, keys: Sequence[Key], columns: Sequence[str] = ()) -> dict[Key, Row]:
        """Those of the rows that are there, with these attributes only where some are named."""
        found = dict[Key, Row]()
        wanted = [packed(key.row) for key in dict.fromkeys(keys)]
        for some in _slices(wanted, ONCE["get"]):
            request = {"Keys": some, "ConsistentRead": True, **_projection(columns)}
            for answer in self._calls.until_done("batch_get_item", "UnprocessedKeys", request):
                rows = [unpacked(item) for item in answer["Responses"].get(self.name, ())]
                found |= {Key.of(row): row for row in rows}
        return found

    def one(self, key: Key, columns: Sequence[str] = ()) -> Row | None:
        return self.get([key], columns).get(key)

    def settled_rows(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """Those that are there, read between transactions: none of them is in the middle of one."""
        found = list[Row]()
        for some in _slices(keys, ONCE["get"]):
            items = [{"Get": {"TableName": self.name, "Key": packed(key.row)}} for key in some]
            answers = self._calls.call("transact_get_items", TransactItems=items)["Responses"]
            found += [unpacked(answer["Item"]) for answer in answers if answer.get("Item")]
        return {Key.of(row): row for row in found}

    def query(
        self, partition: str, between: tuple[str, str] | None = None, limit: int | None = None, **more: Any
    ) -> Iterator[Row]:
        """The rows of a partition, in the order of their sort keys; or those with sort keys between two."""
        condition, values = "pk = :pk", {":pk": partition}
        if between is not None:
            condition += " AND sk BETWEEN :first AND :last"
            values |= {":first": between[0], ":last": between[1]}
        key = {"KeyConditionExpression": condition, "ExpressionAttributeValues": packed(values)}
        pages = self._pages({"ConsistentRead": True, **key, **more}, limit)
        return map(unpacked, islice(chain.from_iterable(pages), limit))

    def keys(self, partition: str, *columns: str, between: tuple[str, str] | None = None) -> list[Row]:
        """The keys of all rows of a partition, or of those between two sort keys, and these attributes."""
        return list(self.query(partition, between, **_projection(columns or ["pk"])))

    def listed(self, kind: str) -> Iterator[Row]:
        """The rows of one kind over all agents, from the index: a moment behind what was written last."""
        for number in range(SHARDS):
            values = packed({":kind": shard(kind, number)})
            names = {"#kind": "kind"}
            query = {"IndexName": INDEX, "KeyConditionExpression": "#kind = :kind", "ExpressionAttributeNames": names}
            for page in self._pages({**query, "ExpressionAttributeValues": values}, None):
                yield from self.as_they_are([unpacked(item) for item in page])

    def as_they_are(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Rows of the index; those that name parts anew from the table, for the parts of replaced ones are gone."""
        long = [Key.of(row) for row in rows if "parts" in row]
        found = self.get(long)
        yield from (row for row in rows if "parts" not in row)
        yield from found.values()

    def placed(self, kind: str, prefix: str) -> list[Row]:
        """The rows of one partition of the index whose place begins like this; a moment behind, too."""
        condition = {
            "IndexName": INDEX,
            "KeyConditionExpression": "#kind = :kind AND begins_with(#place, :prefix)",
            "ExpressionAttributeNames": {"#kind": "kind", "#place": "place"},
            "ExpressionAttributeValues": packed({":kind": kind, ":prefix": prefix}),
        }
        return [unpacked(item) for page in self._pages(condition, None) for item in page]

    def placed_from(self, kind: str, first: str, at_once: int) -> Iterator[Row]:
        """The rows of one partition of the index from a place on, in order, read as they are asked for."""
        condition, names, values = "#kind = :kind", {"#kind": "kind"}, {":kind": kind}
        if first:
            condition += " AND #place >= :first"
            names, values = {**names, "#place": "place"}, {**values, ":first": first}
        query = {"IndexName": INDEX, "KeyConditionExpression": condition, "ExpressionAttributeNames": names}
        pages = self._pages({**query, "ExpressionAttributeValues": packed(values)}, at_once)
        return map(unpacked, chain.from_iterable(pages))

    def write(self, writes: Sequence[Write]) -> None:
        """All of it or nothing. Raises `Raced` where a condition does not hold."""
        self._calls.call("transact_write_items", TransactItems=[self._item(write) for write in writes])

    def put(self, row: Row) -> None:
        """Write a row that is nobody else's."""
        self._calls.call("put_item", Item=packed(row), TableName=self.name)

    def delete(self, keys: Sequence[Key]) -> None:
        for some in _slices([{"DeleteRequest": {"Key": packed(key.row)}} for key in keys], ONCE["delete"]):
            for _ in self._calls.until_done("batch_write_item", "UnprocessedItems", some):
                pass

    def _item(self, write: Write) -> dict[str, Any]:
        content = {"Item": packed(write.row)} if write.action == "Put" else {"Key": packed(write.row)}
        return {write.action: {"TableName": self.name, **content, **_condition(write.where)}}

    def _pages(self, query: Mapping[str, Any], limit: int | None) -> Iterator[list[dict[str, Any]]]:
        more: dict[str, Any] = {} if limit is None else {"Limit": limit}
        while True:
            page = self._calls.call("query", TableName=self.name, **query, **more)
            yield page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]

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
