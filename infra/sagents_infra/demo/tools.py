"""What the demo's analyst can do: real files on a desk, a slow count, a list of tasks."""

import asyncio
import csv
import shutil

from pydantic import BaseModel

from sagents import StateDelta, Todo, TodoStatus, ToolContext, ToolResult, ask, tool
from sagents_infra.demo.desk import Desk
from sagents_infra.settings import Settings

desk = Desk(Settings().home / "desk")
PARTS = 5
PAUSE = 1.0
"""Seconds for each of `PARTS` parts of a count: long enough to be killed in the middle."""


class Task(BaseModel):
    """A line of the to-do list."""

    content: str
    status: TodoStatus = TodoStatus.PENDING


@tool(inline=True)
def write_todos(tasks: list[Task]) -> ToolResult:
    """Write the whole to-do list anew."""
    todos = tuple(Todo(id=n, content=task.content, status=task.status) for n, task in enumerate(tasks, start=1))
    return ToolResult("noted", state=StateDelta(todos=todos))


@tool
def list_files() -> list[str]:
    """Name the files on the desk."""
    return sorted(path.name for path in desk.folder.glob("*.csv"))


@tool
async def add_up(context: ToolContext, file: str) -> int:
    """Add up the amounts in a file of the desk. Takes a while."""
    desk.begin(context.idempotency_key, file)
    with desk.file(file).open(newline="") as rows:
        total = sum(int(row["amount"]) for row in csv.DictReader(rows))
    for part in range(PARTS):
        await asyncio.sleep(PAUSE)
        await context.progress(f"{file}: {100 * (part + 1) // PARTS} %")
    desk.enter(context.idempotency_key, file, total)
    return total


@tool
def write_report(text: str) -> str:
    """Write report.md."""
    desk.file("report.md").write_text(text)
    return f"report.md has {len(text)} characters"


@tool(approval=ask())
def publish(file: str) -> str:
    """Publish a file of the desk for everybody."""
    shutil.copy(desk.file(file), desk.folder / "published")
    return f"published/{file}"
