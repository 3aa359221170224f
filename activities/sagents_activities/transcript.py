"""Rows on their way into the store, each with the event that tells of it (DESIGN section 9)."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from sagents import notice_rows, tool_rows
from sagents.decision_log import Entry
from sagents.display import Change, DisplayMessage
from sagents.displaying import Showing
from sagents.events import Event
from sagents.messages import Message, Role, ToolResult
from sagents.operations import AddMessages, Operation, ReplaceToolResult
from sagents.ports import News, Store
from sagents.state import State
from sagents.tool_rows import RESULT

SAVED, UPDATED = "display_message_saved", "display_message_updated"


@dataclass
class Transcript:
    """Rows of one agent. `pending` are those of the batch at hand, which the store does not have yet."""

    store: Store
    agent_id: str
    run_id: str | None
    pending: dict[str, DisplayMessage] = field(default_factory=dict)

    async def of(self, event: Event, slot: str) -> list[News]:
        """The news of an event of the root's own: itself, and the rows that it changes."""
        showing = Showing(event.at, event.run_id)
        if event.type in (SAVED, UPDATED):
            row = notice_rows.shown(event.data.get("row"), named(slot), showing)
            return [News(slot=slot, event=event) if row is None else await self._shown(row, event)]
        changes = await self._changes(event, showing)
        return [News(slot=slot, event=event), *[self.news(change, event) for change in changes]]

    def news(self, change: Change, about: Event) -> News:
        """A row with its event, which is like the one that it comes from."""
        is_known = change.row.number is not None or change.row.id in self.pending
        self.pending[change.row.id] = change.row
        type = UPDATED if is_known else SAVED
        return News(slot=change.slot, event=about.but(type=type, data={"row": change.row.wire}), row=change.row)

    async def _shown(self, row: DisplayMessage, event: Event) -> News:
        """A row of a tool or a middleware. To change one is to show another content under its id."""
        if event.type == SAVED:
            return self.news(Change(row), event)
        before = await self._row(row.id)
        now = row if before is None else row.but(number=before.number, sequence=before.sequence)
        content = json.dumps(now.model_dump(mode="json", include={"content", "status", "metadata"}))
        return self.news(Change(now, named(content)), event)

    async def settle(self, results: Iterable[ToolResult], showing: Showing) -> list[Change]:
        """What the record says of calls, where their rows say otherwise or nothing."""
        changes: list[Change] = []
        for result in results:
            row = await self._row(result.tool_call_id)
            if row is not None:
                answer = await self._row(f"{result.tool_call_id}{RESULT}")
                changes += tool_rows.settled(row, answer, result, showing)
        return changes

    async def missing(self, rows: Iterable[DisplayMessage]) -> list[Change]:
        """Those of the rows that are not in the transcript."""
        return [Change(row) for row in rows if await self._row(row.id) is None]

    async def _changes(self, event: Event, showing: Showing) -> tuple[Change, ...]:
        data: Any = event.data
        if event.type == "tool_execution_update":
            return tool_rows.updated(await self._row(str(data.get("call_id"))), data, showing)
        if event.type.startswith("approval.") and data.get("tool_call_id"):
            row = await self._row(str(data["tool_call_id"]))
            return tool_rows.judged(row, entry) if (entry := _entry(data)) else ()
        return ()

    async def _row(self, row_id: str) -> DisplayMessage | None:
        return self.pending.get(row_id) or await self.store.row(self.agent_id, row_id)


def results_in(operations: Iterable[Operation]) -> list[ToolResult]:
    """The results that operations bring, a later one of a call in the place of an earlier one."""
    found: dict[str, ToolResult] = {}
    for operation in operations:
        match operation:
            case AddMessages():
                found |= {one.tool_call_id: one for message in operation.messages for one in message.tool_results}
            case ReplaceToolResult():
                found[operation.tool_call_id] = operation.result
            case _:
                continue
    return list(found.values())


def heard_in(operations: Iterable[Operation], places: str = "") -> list[tuple[Message, str]]:
    """What users have said, each with a name: its id or, where the places of the operations have names, its place."""
    said = (
        (message, f"{places}+{number}")
        for number, operation in enumerate(operations)
        for message in (operation.messages if isinstance(operation, AddMessages) else ())
        if message.role is Role.USER and (message.id or places)
    )
    return [(one, one.id or named(f"{place}:{one.model_dump_json()}")) for one, place in said]


def recently(state: State) -> tuple[str, tuple[Operation, ...]]:
    """What has happened since the last reply, as operations, and what their places are called."""
    replies = [number for number, message in enumerate(state.messages) if message.role is Role.ASSISTANT]
    start = replies[-1] + 1 if replies else 0
    return f"message {start}", tuple(AddMessages(messages=(message,)) for message in state.messages[start:])


def named(place: str) -> str:
    """A row's id from where it belongs, for what has no id of its own."""
    return f"row_{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def _entry(data: Any) -> Entry | None:
    try:
        return Entry.model_validate(data)
    except ValidationError:
        return None
