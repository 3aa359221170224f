"""Rows of tool calls: what happens to a call changes its row, and what came of it is a row of its own (B-108).

pending ─▶ executing ─▶ completed | failed | cancelled
   └─▶ interrupted ─▶ (a person decides) ─▶ pending | completed | cancelled
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from sagents import demotion
from sagents.children import why_of
from sagents.decision_log import Entry, EntryKind
from sagents.demotion import ABANDONED
from sagents.display import Change, ContentType, DisplayMessage, MessageType, RowStatus
from sagents.displaying import Showing
from sagents.interrupts import InterruptStatus
from sagents.loop import CANCELLED, HALTED
from sagents.messages import ToolCall, ToolResult
from sagents.plan import Ending, OutcomeKind

RESULT = ".result"
"""What the id of a result's row ends with, after that of its call."""

_NEVER_RAN = (CANCELLED, HALTED, ABANDONED, demotion.HALTED.partition("{")[0])

_TASK_CANCELLED = why_of("\0", Ending(kind=OutcomeKind.CANCELLED))
"""What the parent of a cancelled sub-agent reads, around the name of the task."""

_AFTER_DECISION = {
    InterruptStatus.APPROVED: RowStatus.PENDING,
    InterruptStatus.EDITED: RowStatus.PENDING,
    InterruptStatus.REJECTED: RowStatus.CANCELLED,
    InterruptStatus.RESPONDED: RowStatus.COMPLETED,
    InterruptStatus.CANCELLED: RowStatus.CANCELLED,
    InterruptStatus.SUPERSEDED: RowStatus.CANCELLED,
}
"""Where a call stands once people have decided about it; an expired one by what its terms decide."""

_LABELLED = (InterruptStatus.REJECTED, InterruptStatus.EXPIRED)


def updated(row: DisplayMessage | None, info: Mapping[str, Any], showing: Showing) -> tuple[Change, ...]:
    """What a `tool_execution_update` makes of a call's row, None where it has none yet; what has ended stays.

    Tools may tell such events, too: what no row can show changes none.
    """
    call_id, known_status = info.get("call_id"), info.get("status") in tuple(map(str, RowStatus))
    if not isinstance(call_id, str) or not known_status or "progress" in info or (row is not None and row.ended):
        return ()
    status = RowStatus(info["status"])
    known = row or showing.call(ToolCall(call_id=call_id, name=str(info.get("name") or "")), 0)
    given = {name: info[name] for name in ("arguments", "display_text") if info.get(name) is not None}
    row = known.but(status=status, content={**known.content, **given})
    if status is RowStatus.COMPLETED:
        return Change(row), Change(_result(row, str(info.get("result") or ""), showing))
    if status is RowStatus.FAILED:
        return Change(row), Change(_result(row, str(info.get("error") or ""), showing, failed=True))
    return (Change(row),)


def judged(row: DisplayMessage | None, entry: Entry) -> tuple[Change, ...]:
    """What an entry of the decision log makes of the row of a call that waits for people.

    What a question's answer makes of it is the record's to say.
    """
    if row is None or row.ended:
        return ()
    if entry.reason != "tool_call":
        moot = entry.kind in (EntryKind.CANCELLED, EntryKind.SUPERSEDED)
        return (Change(row.but(status=RowStatus.CANCELLED)),) if moot else ()
    if entry.kind is EntryKind.REQUESTED:
        return (Change(row.but(status=RowStatus.INTERRUPTED), "gate"),)
    if entry.status is InterruptStatus.PENDING:
        return ()
    content = dict(row.content)
    if entry.after is not None:
        content["arguments"] = dict(entry.after)
    status = _AFTER_DECISION.get(entry.status, RowStatus.CANCELLED)
    if entry.status is InterruptStatus.EXPIRED and entry.decision is not None:
        by_terms = {"approve": RowStatus.PENDING, "edit": RowStatus.PENDING, "respond": RowStatus.COMPLETED}
        status = by_terms.get(entry.decision.type, RowStatus.CANCELLED)
    label: dict[str, JsonValue] = {"hitl_decision": str(entry.status)}
    return (Change(row.but(status=status, content=content, metadata={**row.metadata, **label}), "decided"),)


def settled(
    row: DisplayMessage | None, shown: DisplayMessage | None, result: ToolResult, showing: Showing
) -> tuple[Change, ...]:
    """What the record says of a call, where its rows (`shown` is the result's) say otherwise.

    An attempt that was lost may have told another end than the one that counts.
    """
    if row is None or result.is_interrupt:
        return ()
    decided = row.metadata.get("hitl_decision") in tuple(map(str, _LABELLED)) and row.ended
    status = row.status if decided else _status(result)
    answer = _result(row.but(status=status), result.text, showing, failed=result.is_error)
    changes = [] if row.status is status else [Change(row.but(status=status), "record" if row.ended else "")]
    if shown is None:
        changes.append(Change(answer))
    elif shown.content != answer.content:
        changes.append(Change(answer, "record"))
    return tuple(changes)


def _status(result: ToolResult) -> RowStatus:
    if not result.is_error:
        return RowStatus.COMPLETED
    begins, ends = _TASK_CANCELLED.split("\0")
    is_cancelled = result.text.startswith(_NEVER_RAN) or (result.text.startswith(begins) and result.text.endswith(ends))
    return RowStatus.CANCELLED if is_cancelled else RowStatus.FAILED


def _result(call: DisplayMessage, text: str, showing: Showing, *, failed: bool = False) -> DisplayMessage:
    content: dict[str, JsonValue] = {"text": text, "is_error": failed, "name": call.content.get("name")}
    return showing.row(
        f"{call.id}{RESULT}",
        MessageType.TOOL,
        ContentType.TOOL_RESULT,
        content,
        status=RowStatus.FAILED if failed else RowStatus.COMPLETED,
        sequence=call.sequence,
        tool_call_id=call.tool_call_id,
    )


def at_once(row: DisplayMessage, result: ToolResult | None, showing: Showing) -> tuple[DisplayMessage, ...]:
    """The row of a call that its own step has run or refused, and its result's; a question waits."""
    if result is None:
        return (row,)
    if result.is_interrupt:
        return (row.but(status=RowStatus.INTERRUPTED),)
    status = RowStatus.FAILED if result.is_error else RowStatus.COMPLETED
    return row.but(status=status), _result(row, result.text, showing, failed=result.is_error)
