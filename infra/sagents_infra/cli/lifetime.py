"""The commands about an agent's whole life: keeping it awake, taking its state out and in, deleting it."""

from pathlib import Path
from typing import Annotated

import typer

from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import AgentId, Conversation, Json, agent_and_words, agent_of

Viewer = Annotated[list[str], typer.Argument(metavar="AGENT_ID VIEWER", help="Who; with -c the viewer alone.")]
Connection = Annotated[str | None, typer.Option(metavar="ID", help="One of several tabs or devices.")]
Topic = Annotated[str | None, typer.Option(help="What they look at, where the agent's lifecycle names it.")]


def touch(agent_id: AgentId = None, conversation: Conversation = None, as_json: Json = False) -> None:
    """Keep an agent awake: its inactivity clock starts again."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import keeping

        keeping.touch(agent_id, as_json)


def reset(agent_id: AgentId = None, conversation: Conversation = None, as_json: Json = False) -> None:
    """Let an agent forget its messages, todos and metadata; its run is cancelled first."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import keeping

        keeping.reset(agent_id, as_json)


def export(
    agent_id: AgentId = None,
    conversation: Conversation = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file to write to, instead of stdout.")] = None,
    as_json: Json = False,
) -> None:
    """Write all that an agent knows as JSON, for `sagents import`; a sleeping agent's too."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import keeping

        keeping.export(agent_id, out, as_json)


def import_(
    agent_id: AgentId = None,
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="What `export` wrote; `-` is stdin.")] = Path("-"),
    conversation: Conversation = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Start an agent of this name with it.")] = None,
    as_json: Json = False,
) -> None:
    """Put an exported state in the place of an agent's; with --agent a new agent begins with it."""
    if conversation is not None and agent_id is not None:
        file, agent_id = Path(agent_id), None
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import keeping

        keeping.import_(agent_id, file, agent, conversation, as_json)


def delete(
    agent_id: AgentId = None,
    conversation: Conversation = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Stop an agent and forget all that it knew; nothing wakes it again."""
    agent_id = agent_of(agent_id, conversation)
    if not (yes or as_json):
        typer.confirm(f"Forget {agent_id} for good?", abort=True)
    with failing(as_json):
        from sagents_infra.cli import keeping

        keeping.delete(agent_id, as_json)


def join(
    words: Viewer,
    conversation: Conversation = None,
    connection: Connection = None,
    lease: Annotated[
        float | None, typer.Option(min=0.001, metavar="SECONDS", help="Until when, unless renewed.")
    ] = None,
    topic: Topic = None,
    as_json: Json = False,
) -> None:
    """Say that somebody looks at a conversation: an idle agent stays for them."""
    agent_id, viewer = agent_and_words(words, conversation, "VIEWER")
    with failing(as_json):
        from sagents_infra.cli import keeping

        keeping.join(agent_id, viewer, connection, lease, topic, as_json)


def leave(
    words: Viewer,
    conversation: Conversation = None,
    connection: Connection = None,
    topic: Topic = None,
    as_json: Json = False,
) -> None:
    """Say that somebody looks no more; without --connection, on none of their screens."""
    agent_id, viewer = agent_and_words(words, conversation, "VIEWER")
    with failing(as_json):
        from sagents_infra.cli import keeping

        keeping.leave(agent_id, viewer, connection, topic, as_json)


ALL = (touch, reset, export, import_, delete, join, leave)
