"""The commands of `sagents approvals`: what to say where. The modules that do it are imported when they run.

Those that look back are in `records`, those about links in `link_commands`.
"""

from typing import Annotated

import typer

from sagents_infra.cli import link_commands, records
from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import As, Group, Json, TheirTenant, Tool

app = typer.Typer(
    name="approvals",
    help="What waits for people: list it, decide it, look back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
One = Annotated[str, typer.Argument(metavar="ID", help="The beginning of an id, or AGENT_ID/ID.")]
Several = Annotated[list[str], typer.Argument(metavar="ID...", help="The beginnings of ids, or AGENT_ID/ID.")]
Digest = Annotated[str | None, typer.Option(metavar="SHA256", help="Of the call that is meant, and of no other.")]
Scope = Annotated[str | None, typer.Option(metavar="SCOPE", help="For later calls, too: run, conversation or user.")]
Ttl = Annotated[str | None, typer.Option(metavar="TIME", help="How long it is remembered: 90m, 2h, 7d.")]
AnyArguments = Annotated[bool, typer.Option("--any-arguments", help="For calls with other arguments, too.")]


@app.command()
def ls(
    tool: Tool = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Of agents of this name, or of this id.")] = None,
    risk: Annotated[str | None, typer.Option(help="Of this risk only.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="What the person named by --as may decide.")] = False,
    older_than: Annotated[str | None, typer.Option(metavar="TIME", help="Waiting longer than 90m, 2h, 7d.")] = None,
    argument: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="With this argument.")] = None,
    status: Annotated[str, typer.Option(help="pending, expired or all.")] = "pending",
    claimed: Annotated[bool | None, typer.Option("--claimed/--unclaimed", help="Looked after, or not.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The most lines.")] = None,
    name: As = None,
    group: Group = None,
    tenant: TheirTenant = None,
    as_json: Json = False,
) -> None:
    """List what waits for people over all agents, oldest first; it needs no worker."""
    with failing(as_json):
        from sagents_infra.cli import waiting
        from sagents_infra.cli.identity import person

        mine = mine or bool(name or group)
        wanted = waiting.Filters(
            tool=tool,
            agent=agent,
            risk=risk,
            older_than=older_than,
            arguments=tuple(argument or ()),
            status=status,
            claimed=claimed,
            tenant=tenant,
            approver=person(name, group, tenant, needed="--mine") if mine else None,
            limit=limit,
        )
        waiting.ls(wanted, as_json)


@app.command()
def show(approval: One, as_json: Json = False) -> None:
    """Show one approval: the call, who may decide until when, the votes, and the commands that answer it."""
    with failing(as_json):
        from sagents_infra.cli import waiting

        waiting.show_one(approval, as_json)


@app.command()
def approve(
    approval: Several,
    name: As = None,
    group: Group = None,
    tenant: TheirTenant = None,
    remember: Scope = None,
    ttl: Ttl = None,
    any_arguments: AnyArguments = False,
    digest: Digest = None,
    as_json: Json = False,
) -> None:
    """Let calls run as they were asked for."""
    with failing(as_json):
        from sagents import Approve
        from sagents_infra.cli import verdicts
        from sagents_infra.cli.identity import person, remembered

        by = verdicts.By(person(name, group, tenant), remembered(remember, ttl, any_arguments), digest)
        verdicts.decide(approval, Approve(), by, as_json)


@app.command()
def reject(
    approval: Several,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; the model reads it.")] = None,
    name: As = None,
    group: Group = None,
    tenant: TheirTenant = None,
    remember: Scope = None,
    ttl: Ttl = None,
    any_arguments: AnyArguments = False,
    digest: Digest = None,
    as_json: Json = False,
) -> None:
    """Do not let calls run."""
    with failing(as_json):
        from sagents import Reject
        from sagents_infra.cli import verdicts
        from sagents_infra.cli.identity import person, remembered

        by = verdicts.By(person(name, group, tenant), remembered(remember, ttl, any_arguments), digest)
        verdicts.decide(approval, Reject(reason), by, as_json)


@app.command()
def edit(
    approval: One,
    arguments: Annotated[str, typer.Argument(metavar="'{JSON}'", help="All arguments, as they shall be.")],
    name: As = None,
    group: Group = None,
    tenant: TheirTenant = None,
    digest: Digest = None,
    as_json: Json = False,
) -> None:
    """Let a call run with other arguments."""
    with failing(as_json):
        from sagents_infra.cli import verdicts
        from sagents_infra.cli.answers import decision
        from sagents_infra.cli.identity import person

        edited = decision(["edit", arguments])
        verdicts.decide([approval], edited, verdicts.By(person(name, group, tenant), digest=digest), as_json)


@app.command()
def respond(
    approval: One,
    text: Annotated[list[str] | None, typer.Argument(metavar="[TEXT...]", help="The answer in words.")] = None,
    value: Annotated[str | None, typer.Option(metavar="JSON", help="The answer as a JSON value.")] = None,
    name: As = None,
    group: Group = None,
    tenant: TheirTenant = None,
    as_json: Json = False,
) -> None:
    """Answer a question; or give a call's result yourself, instead of letting it run."""
    with failing(as_json):
        from sagents_infra.cli import verdicts
        from sagents_infra.cli.answers import response
        from sagents_infra.cli.identity import person

        answer = response(" ".join(text or ()), value)
        verdicts.decide([approval], answer, verdicts.By(person(name, group, tenant)), as_json)


@app.command()
def claim(
    approval: Several,
    name: As = None,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 15m, 2h.")] = "15m",
    release: Annotated[bool, typer.Option("--release", help="Give it up again.")] = False,
    as_json: Json = False,
) -> None:
    """Say that you look after approvals, so that others leave them alone."""
    with failing(as_json):
        from sagents_infra.cli import waiting
        from sagents_infra.cli.identity import person

        waiting.claim(approval, person(name, None, None, needed="A claim"), for_, release, as_json)


app.command()(link_commands.link)
app.command("revoke-link")(link_commands.revoke_link)
app.command()(records.log)
app.command()(records.verify)
app.add_typer(records.rules)
