"""Rows that nobody has said: that a run failed, was cancelled or halted, and what tools and middleware show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from sagents.display import ContentType, DisplayMessage, MessageType
from sagents.displaying import Showing
from sagents.messages import Message, MessageStatus
from sagents.plan import Ending, OutcomeKind, RunError

CANCELLED = "The run was cancelled."

UNKNOWN = frozenset({"", "crashed", "Exception", "ApplicationError", "FailureError"})
"""Types of errors that say nothing: the row then has none (E-70)."""


def ended(ending: Ending | None, key: str, last: Message | None, showing: Showing) -> DisplayMessage | None:
    """What a transcript says of a run's end (B-103, B-109); None where what was said says it.

    `last` is the conversation's last message: where a reply broke off, it shows why by itself (E-68).
    """
    if ending is None:
        return None
    if ending.kind is OutcomeKind.CANCELLED:
        return _notice(key, "cancelled", ContentType.NOTIFICATION, {"text": CANCELLED, "kind": "cancelled"}, showing)
    if ending.error is None or (last is not None and last.status is MessageStatus.STREAM_ERROR):
        return None
    return _notice(key, "error", ContentType.ERROR, _error(ending.error), showing)


def halted(data: Mapping[str, Any], key: str, showing: Showing) -> DisplayMessage | None:
    """The words of a halt, once; None where there are none (E-69)."""
    text, call_id = str(data.get("message") or ""), data.get("tool_call_id")
    if not text.strip() or not isinstance(call_id, str | None):
        return None
    about = {name: data[name] for name in ("source_tool", "source") if name in data}
    return showing.row(
        f"{call_id or key}.halt",
        MessageType.ASSISTANT,
        ContentType.TEXT,
        {"text": text},
        tool_call_id=call_id,
        metadata={"halted": True, **about},
    )


def shown(row: Any, key: str, showing: Showing) -> DisplayMessage | None:
    """A row that a tool or a middleware shows; it may name itself. None for what is no row."""
    if not isinstance(row, Mapping):
        return None
    given = {"at": showing.at, "run_id": showing.run_id, "id": key, **row}
    try:
        return DisplayMessage.model_validate(given)
    except ValidationError:
        return None


def _error(error: RunError) -> dict[str, JsonValue]:
    named: dict[str, JsonValue] = {} if error.type in UNKNOWN else {"error_type": error.type}
    return {"text": error.message, **named}


def _notice(key: str, name: str, kind: ContentType, content: dict[str, JsonValue], showing: Showing) -> DisplayMessage:
    return showing.row(f"{key}.{name}", MessageType.SYSTEM, kind, content)
