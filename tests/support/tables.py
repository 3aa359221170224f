"""Where a test's table of DynamoDB is."""

from typing import Any, NamedTuple


class Place(NamedTuple):
    """A client, the table's name, and the server's address."""

    client: Any
    table: str
    url: str
