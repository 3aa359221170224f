"""What the model says in the demo where no real one was asked for."""

from dataclasses import dataclass
from pathlib import Path

from sagents.messages import Message
from sagents.ports import DeltaSink, Model, ModelRequest
from sagents.testing import ScriptedModel, calls, says
from sagents.todo import TodoStatus
from sagents_infra.demo.desk import SALES
from sagents_infra.demo.tools import Task, add_up, desk, list_files, publish, write_report, write_todos

STEPS = ("Add up the sales of each region", "Write report.md", "Publish it")
TOTALS = {file: sum(figures) for file, figures in SALES.items()}
LINES = [f"- {file}: {total}" for file, total in TOTALS.items()]
REPORT = "\n".join(["# Sales", "", *LINES, "", f"Together: {sum(TOTALS.values())}", ""])


def todos(done: int) -> list[Task]:
    """The list when `done` steps are done and the next one is under way."""
    statuses = [TodoStatus.COMPLETED] * done + [TodoStatus.IN_PROGRESS] + [TodoStatus.PENDING] * len(STEPS)
    return [Task(content=step, status=status) for step, status in zip(STEPS, statuses, strict=False)]


REPLIES = (
    says("First the plan, then what is on the desk.") & calls(write_todos, tasks=todos(0)) & calls(list_files),
    calls(add_up, file="north.csv") & calls(add_up, file="south.csv") & calls(add_up, file="west.csv"),
    says("The totals are there.") & calls(write_todos, tasks=todos(1)) & calls(write_report, text=REPORT),
    calls(write_todos, tasks=todos(2)),
    calls(publish, file="report.md"),
    calls(write_todos, tasks=todos(3)),
    says(f"The report is published: {sum(TOTALS.values())} in all, most of it in the west."),
)


@dataclass
class Counted:
    """A model that notes every question in a file, so that the demo can prove that none was asked twice."""

    model: ScriptedModel
    notes: Path
    name: str = "scripted"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        with self.notes.open("a") as notes:
            notes.write(f"{len(request.messages)} messages\n")
        return await self.model.ask(request, on_delta)


SCRIPTED: Model = Counted(ScriptedModel(*REPLIES), desk.questions)
