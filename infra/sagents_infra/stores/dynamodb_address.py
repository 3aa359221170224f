"""What `SAGENTS_STORE=dynamodb://…` says, as a store. Imports boto3."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sagents.errors import InvalidInput
from sagents_infra.stores.dynamodb import DynamoDBStore, dynamodb_client
from sagents_infra.stores.dynamodb_schema import NAME, ensure_table
from sagents_infra.stores.keeping import Keeping

SCHEME = "dynamodb://"
SHAPE = f"{SCHEME}TABLE?region=REGION&endpoint=URL&keep_records_days=N&keep_events_days=N"
OPTIONS = ("region", "endpoint", "keep_records_days", "keep_events_days")


def dynamodb_store(address: str, unless_said: Keeping) -> DynamoDBStore:
    """The store at an address. All but the table's name may be left out. Raises `InvalidInput` with what is wrong.

    What the address does not say of how long things are kept, `unless_said` does.
    """
    table, options = _parsed(address)
    keeping = Keeping(
        _days(options, "keep_records_days") or unless_said.records,
        _days(options, "keep_events_days") or unless_said.events,
    )
    return DynamoDBStore(dynamodb_client(options.get("region"), options.get("endpoint")), table, keeping)


def dynamodb_place(address: str, setting: str) -> tuple[Any, str]:
    """A client for the table at the address of a setting, and the table's name. Raises `InvalidInput`."""
    table, options = _parsed(address, setting)
    return dynamodb_client(options.get("region"), options.get("endpoint")), table


def make_local_table(address: str) -> None:
    """Make the table of an emulator, which is what an `endpoint` names; in AWS it is for people to make."""
    table, options = _parsed(address)
    if options.get("endpoint"):
        ensure_table(dynamodb_client(options.get("region"), options["endpoint"]), table)


def _parsed(address: str, setting: str = "SAGENTS_STORE") -> tuple[str, dict[str, str]]:
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown or not NAME.fullmatch(parts.netloc) or parts.path.strip("/") or parts.fragment:
        what = f"{unknown[0]!r} is no option" if unknown else f"{parts.netloc + parts.path!r} is no name of a table"
        raise InvalidInput(f"{setting}: {what}; it has to look like {SHAPE}.")
    return parts.netloc, options


def _days(options: dict[str, str], name: str) -> timedelta | None:
    text = options.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 100_000:
        raise InvalidInput(f"SAGENTS_STORE: {name} is a whole number of days, not {text!r}.")
    return timedelta(days=int(text))
