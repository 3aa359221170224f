"""Commands about one agent or all of them: what to say where, and which module does it."""

import sys
from typing import Annotated

import typer

from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import (
    After,
    AgentId,
    AgentName,
    As,
    Conversation,
    Group,
    Json,
    Tenant,
    TheirTenant,
    WithStatus,
    agent_and_words,
    agent_of,
)

Reason = Annotated[str | None, typer.Option("--reason", help="Why; it is kept and shown.")]


def start(
    name: AgentName = "",
    agent_id: Annotated[str | None, typer.Option("--id", metavar="AGENT_ID", help="The id it gets.")] = None,
    conversation: Conversation = None,
    option: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="For the agent's factory.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Whose: owner, project, tenant.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start an agent, or find the one that runs under this id."""
    with failing(as_json):
        from sagents_infra.cli import telling

        telling.start(name, agent_id, conversation, option or (), scope or (), as_json)


def send(
    words: Annotated[list[str], typer.Argument(metavar="AGENT_ID TEXT...", help="`-` reads the text from stdin.")],
    conversation: Conversation = None,
    message_id: Annotated[str | None, typer.Option("--id", help="The message's id; one id counts once.")] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for the answer and print it.")] = False,
    as_json: Json = False,
) -> None:
    """Send an agent a message; one that sleeps wakes up."""
    agent_id, text = agent_and_words(words, conversation, "TEXT")
    with failing(as_json):
        from sagents_infra.cli import telling

        said = sys.stdin.read() if text == ["-"] else " ".join(text)
        telling.send(agent_id, said, message_id, wait, as_json)


def execute(
    agent_id: AgentId = None,
    conversation: Conversation = None,
    until_tool: Annotated[list[str] | None, typer.Option(metavar="TOOL", help="End once it was called.")] = None,
    until_tool_success: Annotated[list[str] | None, typer.Option(metavar="TOOL", help="End once it succeeded.")] = None,
    max_runs: Annotated[int | None, typer.Option(min=1, help="The most model calls.")] = None,
    as_json: Json = False,
) -> None:
    """Run an idle agent on what it knows."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import telling

        until = {"until_tool": until_tool or (), "until_tool_success": until_tool_success or ()}
        telling.execute(agent_id, {**until, "max_runs": max_runs}, as_json)


def resume(
    words: Annotated[
        list[str],
        typer.Argument(metavar="AGENT_ID DECISION...", help="approve · reject · edit '{json}' · respond TEXT"),
    ],
    conversation: Conversation = None,
    reason: Reason = None,
    interrupt: Annotated[str | None, typer.Option(metavar="ID", help="Which interrupt, where several wait.")] = None,
    every: Annotated[bool, typer.Option("--all", help="The same decision for all that wait.")] = False,
    name: As = None,
    group: Group = None,
    tenant: TheirTenant = None,
    as_json: Json = False,
) -> None:
    """Decide what an agent waits for; `approve reject approve` decides three, in their order."""
    agent_id, decision = agent_and_words(words, conversation, "DECISION")
    with failing(as_json):
        from sagents_infra.cli import answers, identity, telling

        by = identity.person(name, group, tenant)
        telling.resume(agent_id, answers.decisions(decision, reason), interrupt, every, by, as_json)


def cancel(
    agent_id: AgentId = None, conversation: Conversation = None, reason: Reason = None, as_json: Json = False
) -> None:
    """Cancel the run that is under way; the agent lives on."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import telling

        telling.cancel(agent_id, reason, as_json)


def stop(
    agent_id: AgentId = None, conversation: Conversation = None, reason: Reason = None, as_json: Json = False
) -> None:
    """Let an agent save and leave; the next message wakes it."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import telling

        telling.stop(agent_id, reason, as_json)


def watch(
    agent_id: AgentId = None, conversation: Conversation = None, after: After = None, as_json: Json = False
) -> None:
    """Show what an agent does, from now on until Ctrl-C."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import asking

        asking.watch(agent_id, after, as_json)


def status(agent_id: AgentId = None, conversation: Conversation = None, as_json: Json = False) -> None:
    """Say what an agent is doing, in one word."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import asking

        asking.status(agent_id, as_json)


def info(agent_id: AgentId = None, conversation: Conversation = None, as_json: Json = False) -> None:
    """Show a running agent's figures and what it waits for."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import asking

        asking.info(agent_id, as_json)


def state(agent_id: AgentId = None, conversation: Conversation = None, as_json: Json = False) -> None:
    """Show all that an agent knows: its conversation and its todos; a sleeping agent's too."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import asking

        asking.state(agent_id, as_json)


def rows(
    agent_id: AgentId = None,
    conversation: Conversation = None,
    after: Annotated[int | None, typer.Option(min=0, metavar="NUMBER", help="The next ones after this row.")] = None,
    before: Annotated[int | None, typer.Option(min=0, metavar="NUMBER", help="The last ones before this row.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 50,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Those with this text only.")] = None,
    as_json: Json = False,
) -> None:
    """Show what people see of a conversation, the newest last; a sleeping agent's too."""
    agent_id = agent_of(agent_id, conversation)
    with failing(as_json):
        from sagents_infra.cli import transcripts

        transcripts.rows(agent_id, after, before, limit, search, as_json)


def ls(
    pattern: Annotated[str, typer.Argument(metavar="[PATTERN]", help="'*' stands for anything.")] = "*",
    match: Annotated[str | None, typer.Option(metavar="PATTERN", help="The same, as an option.")] = None,
    status: WithStatus = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List the running agents."""
    with failing(as_json):
        from sagents_infra.cli import asking

        asking.ls(match or pattern, status, tenant, as_json)


def count(status: WithStatus = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Count the running agents."""
    with failing(as_json):
        from sagents_infra.cli import asking

        asking.count(status, tenant, as_json)


ALL = (start, send, execute, resume, cancel, stop, watch, status, info, state, rows, ls, count)
