"""The commands of `sagents approvals` that look back: the log of decisions, and what is remembered of them."""

from pathlib import Path
from typing import Annotated

import typer

from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import AgentId, As, Conversation, Json, Tool, agent_of

rules = typer.Typer(
    name="rules", help="Decisions that are remembered for later calls.", no_args_is_help=True, rich_markup_mode=None
)


def log(agent_id: AgentId = None, conversation: Conversation = None, as_json: Json = False) -> None:
    """Show who decided what about an agent's calls, and when; --json writes a copy of it, a row a line."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import looking_back

        looking_back.log(agent_id, as_json)


def verify(
    agent_id: Annotated[list[str] | None, typer.Argument(metavar="[AGENT_ID...]", help="Whose logs.")] = None,
    every: Annotated[bool, typer.Option("--all", help="The logs of all agents.")] = False,
    copy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `log --json` wrote before: is all of it still there?")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that nobody changed, removed or reordered what the logs of decisions say."""
    if bool(agent_id) == every or (copy is not None and (every or len(agent_id or ()) != 1)):
        raise typer.BadParameter("name agents, or say --all; a --copy is that of one agent")
    with failing(as_json):
        from sagents_infra.cli import looking_back

        looking_back.verify(agent_id or (), copy, as_json)


@rules.command("ls")
def list_rules(
    agent: Annotated[str | None, typer.Option(metavar="AGENT_ID", help="Made about calls of this agent.")] = None,
    tool: Tool = None,
    every: Annotated[bool, typer.Option("--all", help="Ended ones, too.")] = False,
    as_json: Json = False,
) -> None:
    """List the decisions that hold for later calls."""
    with failing(as_json):
        from sagents_infra.cli import ruling

        ruling.ls(agent, tool, every, as_json)


@rules.command()
def revoke(
    rule: Annotated[list[str], typer.Argument(metavar="RULE...", help="The beginnings of their ids.")],
    name: As = None,
    as_json: Json = False,
) -> None:
    """End remembered decisions for good: people are asked again."""
    with failing(as_json):
        from sagents_infra.cli import ruling
        from sagents_infra.cli.identity import person

        ruling.revoke(rule, person(name, None, None, needed="Revoking"), as_json)
