"""Rows of a transcript on a terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sagents.display import ContentType, DisplayMessage, MessageType, RowStatus
from sagents_infra.cli.drawing import TODO, call_text
from sagents_infra.cli.output import brief, plain

WHO = {
    MessageType.USER: "you",
    MessageType.ASSISTANT: "agent",
    MessageType.TOOL: "tool",
    MessageType.SYSTEM: "·",
}
MARKS = {
    RowStatus.PENDING: ("○", "dim"),
    RowStatus.EXECUTING: ("▶", "cyan"),
    RowStatus.COMPLETED: ("✓", "green"),
    RowStatus.FAILED: ("✗", "red"),
    RowStatus.INTERRUPTED: ("⏸", "yellow"),
    RowStatus.CANCELLED: ("⊘", "yellow"),
}


def rows_table(rows: Sequence[DisplayMessage]) -> Table:
    """Number, time of day, who, and what; a date stands where it changes."""
    table = Table.grid(padding=(0, 2))
    day = None
    for row in rows:
        at = row.at.astimezone()
        if at.date() != day:
            day = at.date()
            table.add_row("", Text(f"{day:%Y-%m-%d}", style="dim"), "", "")
        number = Text(str(row.number or ""), style="dim", justify="right")
        table.add_row(number, Text(f"{at:%H:%M:%S}", style="dim"), Text(WHO[row.message_type], style="dim"), _what(row))
    return table


def _what(row: DisplayMessage) -> Text:
    match row.content_type:
        case ContentType.TEXT:
            return Text(plain(row.text) + _stopped(row))
        case ContentType.THINKING:
            return Text(plain(row.text), style="dim italic")
        case ContentType.TOOL_CALL:
            mark, style = MARKS[row.status]
            call = call_text(str(row.content.get("name", "")), row.content.get("arguments"))
            return Text(f"{mark} {plain(call)}{_decided(row)}", style=style)
        case ContentType.TOOL_RESULT:
            return Text(brief(row.text), style="red" if row.status is RowStatus.FAILED else "dim")
        case ContentType.ERROR:
            return Text(f"✗ {plain(row.text)}", style="red")
        case ContentType.NOTIFICATION:
            return Text(plain(row.text), style="yellow")
        case ContentType.TODO_SNAPSHOT:
            return Text(plain("\n".join(_todos(row))), style="dim")
        case _:
            shown = row.content.get("content") or row.content.get("name") or row.content
            return Text(f"[{row.content_type}] {brief(str(shown))}", style="cyan")


def _stopped(row: DisplayMessage) -> str:
    """Why a reply ended before its end."""
    why = row.metadata.get("stop_reason")
    return f" … ({why})" if why else ""


def _decided(row: DisplayMessage) -> str:
    label = row.metadata.get("hitl_decision")
    return f"  ({label})" if label else ""


def _todos(row: DisplayMessage) -> list[str]:
    todos = row.content.get("todos")
    given = [todo for todo in todos if isinstance(todo, dict)] if isinstance(todos, list) else []
    return [f"{TODO.get(str(todo.get('status')), '☐')} {todo.get('content')}" for todo in given]
