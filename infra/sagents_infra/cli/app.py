"""The commands of `sagents`. Each is declared here and done in a module of its own, imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from sagents_infra.cli import agent_commands, approvals, deployment_commands, http_commands, lifetime, schedules
from sagents_infra.cli.failing import failing
from sagents_infra.cli.http_commands import HttpPort
from sagents_infra.cli.options import AgentName, App, As, Conversation, Folder, Group, Json, Port, TheirTenant

app = typer.Typer(
    name="sagents",
    help="Durable AI agents on Temporal. Start with `sagents init`, then `sagents dev`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def init(folder: Folder = Path(), as_json: Json = False) -> None:
    """Make a new project of two files that works at once."""
    with failing(as_json):
        from sagents_infra.cli import project

        project.init(folder, as_json)


@app.command()
def dev(
    spec: App = "",
    port: Port = 7233,
    ui_port: Annotated[int | None, typer.Option(help="Where the Web UI listens.")] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Restart the worker when code changes.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget all agents first.")] = False,
    http_port: HttpPort = 7280,
) -> None:
    """Run a Temporal dev server, a worker and the HTTP API; Ctrl-C ends all, what agents know stays in .sagents/."""
    with failing():
        from sagents_infra.cli import dev as running

        ports = running.Ports(port, ui_port, http_port)
        raise typer.Exit(running.dev(spec, ports, reloading=reload, reset=reset))


@app.command()
def worker(spec: App = "") -> None:
    """Run a worker against the Temporal that TEMPORAL_ADDRESS or temporal.toml names."""
    from sagents_infra.cli import work

    work.worker(spec)


@app.command()
def chat(
    name: AgentName = "",
    conversation: Conversation = None,
    by: As = None,
    group: Group = None,
    tenant: TheirTenant = None,
    as_json: Json = False,
) -> None:
    """Talk to an agent: a new conversation, or with -c one that goes on."""
    with failing(as_json):
        from sagents_infra.cli import chat as talking
        from sagents_infra.cli.identity import person

        talking.chat(name, conversation, person(by, group, tenant), as_json)


for command in (*agent_commands.ALL, *lifetime.ALL, *http_commands.ALL, *deployment_commands.ALL):
    app.command(command.__name__.rstrip("_").replace("_", "-"))(command)  # `import` is a word of Python's own
app.add_typer(approvals.app)
app.add_typer(schedules.app)
