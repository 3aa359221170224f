"""The commands of `sagents schedule`: agents that wake by the clock."""

from typing import Annotated

import typer

from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import Json, TheirTenant

app = typer.Typer(
    name="schedule",
    help="Agents that wake by the clock: a message that comes again and again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the schedule is called.")]


@app.command()
def create(
    name: Name,
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="What the agent is told.")],
    agent: Annotated[str, typer.Option(metavar="NAME", help="The agent's name in the app; needless for one.")] = "",
    conversation: Annotated[
        str, typer.Option("--conversation", "-c", metavar="ID", help="Where; by default the schedule's name.")
    ] = "",
    every: Annotated[str, typer.Option(metavar="TIME", help="How often: 30m, 2h, 7d.")] = "",
    cron: Annotated[str, typer.Option(metavar="LINE", help="Or at which times, as '0 9 * * 1-5'.")] = "",
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Of --cron, as Europe/Berlin; by default UTC.")] = "",
    owner: Annotated[str, typer.Option(metavar="NAME", help="Whose the conversation is.")] = "",
    tenant: TheirTenant = None,
    as_json: Json = False,
) -> None:
    """Tell an agent something again and again; it starts, or wakes, when the time comes."""
    with failing(as_json):
        from sagents_infra.cli import scheduling
        from sagents_infra.schedules import Reminder

        reminder = Reminder(
            agent=agent, conversation_id=conversation or name, text=message, owner=owner, tenant=tenant or ""
        )
        scheduling.create(name, reminder, every, cron, time_zone, as_json)


@app.command()
def ls(as_json: Json = False) -> None:
    """List the schedules, and when each comes next."""
    with failing(as_json):
        from sagents_infra.cli import scheduling

        scheduling.ls(as_json)


@app.command()
def delete(name: Name, as_json: Json = False) -> None:
    """End a schedule; the conversation and what it was told stay."""
    with failing(as_json):
        from sagents_infra.cli import scheduling

        scheduling.delete(name, as_json)
