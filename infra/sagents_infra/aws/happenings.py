"""What AWS hands to a function, in one shape: where it came from, its id, and what is told of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sagents.errors import InvalidInput

Source = Literal["eventbridge", "s3", "schedule", "sns", "sqs"]
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Happening:
    """One thing that happened. Whoever tells of it again gives it the same id."""

    source: Source
    id: str
    data: Event

    group: str = ""
    """What has to be done in order: the message group of a FIFO queue."""


def happenings(event: Event, invocation: str) -> Iterator[Happening]:
    """What an event tells of. `invocation` is the id of the function's, which AWS repeats when it tries again."""
    if "Records" not in event:
        yield _alone(event, invocation)
        return
    for record in event["Records"]:
        yield _recorded(record)


def _alone(event: Event, invocation: str) -> Happening:
    if "detail-type" in event:
        return Happening("eventbridge", str(event["id"]), event)
    return Happening("schedule", str(event.get("id") or invocation), event)


def _recorded(record: Event) -> Happening:
    match record.get("eventSource") or record.get("EventSource"):
        case "aws:sqs":
            group = record.get("attributes", {}).get("MessageGroupId", "")
            return Happening("sqs", record["messageId"], {**record, "body": _read(record["body"])}, group)
        case "aws:sns":
            told = record["Sns"]
            return Happening("sns", told["MessageId"], {**told, "body": _read(told["Message"])})
        case "aws:s3":
            return Happening("s3", _object_id(record), record)
        case other:
            raise InvalidInput(f"Records of {other!r} are none that messages are made of.")


def _object_id(record: Event) -> str:
    stored = record["s3"]["object"]
    version = stored.get("versionId") or stored.get("eTag", "")
    parts = (record["s3"]["bucket"]["name"], stored["key"], version, stored.get("sequencer", ""), record["eventName"])
    return "/".join(map(str, parts))


def _read(text: str) -> Any:
    """A body as JSON, where it is; nested without end it is none, and hinders no other record of its batch."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
