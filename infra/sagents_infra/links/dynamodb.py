"""Links' rows in the store's table of DynamoDB, which removes them some time after their end. Imports boto3."""

from datetime import timedelta
from typing import Any

from sagents_infra.links.book import Change, LinkRow
from sagents_infra.stores.dynamodb_beside import PATIENCE, Beside, put
from sagents_infra.stores.dynamodb_rows import Key, named
from sagents_infra.stores.dynamodb_table import Table

KEPT_FOR = timedelta(days=1)
"""How long a row stays after its link has ended, for clocks that differ."""


class DynamoDBLinkBook:
    """A `LinkBook` in a table. Call `close` when done."""

    def __init__(self, client: Any, table: str, patience: timedelta = PATIENCE) -> None:
        self._beside = Beside(client, table, patience)

    async def get(self, link_id: str) -> LinkRow | None:
        def got(table: Table) -> LinkRow | None:
            row = table.one(_key(link_id))
            return None if row is None else LinkRow.model_validate_json(row["text"])

        return await self._beside.settle(got)

    async def change(self, new: LinkRow, change: Change) -> LinkRow:
        def changed(table: Table) -> LinkRow:
            before = table.one(_key(new.id))
            row = change(new if before is None else LinkRow.model_validate_json(before["text"]))
            table.write([put(_key(row.id), before, row.model_dump_json(), row.until + KEPT_FOR)])
            return row

        return await self._beside.settle(changed)

    def close(self) -> None:
        """Finish what was asked for."""
        self._beside.release()


def _key(link_id: str) -> Key:
    return Key(f"link{named(link_id)}", "link")
