"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

AgentId = Annotated[str | None, typer.Argument(metavar="AGENT_ID", help="Which agent; or name its conversation by -c.")]
AgentName = Annotated[str, typer.Argument(metavar="[NAME]", help="The agent's name in the app; needless for one.")]
Conversation = Annotated[
    str | None, typer.Option("--conversation", "-c", metavar="ID", help="The conversation, instead of an agent's id.")
]
After = Annotated[int | None, typer.Option(min=0, metavar="ID", help="Begin after this event; 0: with the first.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
App = Annotated[
    str, typer.Option("--app", metavar="MODULE:ATTRIBUTE", envvar="SAGENTS_APP", help="Where the application is.")
]
Port = Annotated[int, typer.Option(min=1, max=64535, help="Where Temporal listens; its Web UI 1000 higher.")]
Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to put it.")]

WithStatus = Annotated[
    str | None, typer.Option("--status", help="idle, running, interrupted, cancelled, error or paused ones only.")
]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Those of this tenant only.")]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who decides, signed with this machine's keys.")]
Group = Annotated[list[str] | None, typer.Option(metavar="NAME", help="A group of theirs; may be given again.")]
TheirTenant = Annotated[str | None, typer.Option("--tenant", metavar="NAME", help="The tenant they belong to.")]
Tool = Annotated[str | None, typer.Option(metavar="NAME", help="Calls of this tool only.")]


def agent_of(agent_id: str | None, conversation: str | None) -> str:
    """The agent that is meant: by its id, or by its conversation's."""
    if (agent_id is None) == (conversation is None):
        raise typer.BadParameter("name one agent: by AGENT_ID, or by -c and its conversation's id")
    if agent_id is not None:
        return agent_id
    from sagents.client import agent_id_for

    return agent_id_for(conversation or "")


def agent_and_words(words: list[str], conversation: str | None, what: str) -> tuple[str, list[str]]:
    """The agent and what comes behind it. With -c all words are what."""
    first = [] if conversation is not None else words[:1]
    rest = words[len(first) :]
    if not rest:
        raise typer.BadParameter(f"{what} is missing; write `AGENT_ID {what}` or `-c CONVERSATION {what}`")
    return agent_of(first[0] if first else None, conversation), rest
