"""The commands about approval links, declared."""

from typing import Annotated

import typer

from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import As, Group, Json, TheirTenant


def link(
    approval: Annotated[str, typer.Argument(metavar="ID", help="The beginning of an id, or AGENT_ID/ID.")],
    decider: Annotated[str, typer.Option("--for", metavar="NAME", help="Who decides by it.")],
    group: Group = None,
    tenant: TheirTenant = None,
    expires: Annotated[str, typer.Option(metavar="TIME", help="How long it holds: 12h, 3d.")] = "3d",
    as_json: Json = False,
) -> None:
    """Make a link by which one person decides one approval, once; send it to nobody else."""
    with failing(as_json):
        from sagents_infra.cli import linking

        linking.link(approval, decider, group or (), tenant, expires, as_json)


def revoke_link(
    links: Annotated[list[str], typer.Argument(metavar="LINK...", help="Links, or their ids (lnk_…).")],
    name: As = None,
    as_json: Json = False,
) -> None:
    """Take links back: nothing can be decided by them any more."""
    with failing(as_json):
        from sagents_infra.cli import linking

        linking.revoke_link(links, name or "operator", as_json)
