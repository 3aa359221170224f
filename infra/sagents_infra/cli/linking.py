"""What the commands about approval links do."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from sagents import InvalidInput
from sagents.client import AgentServer
from sagents.principal import Principal
from sagents_infra.cli.failing import FAILED
from sagents_infra.cli.output import show
from sagents_infra.cli.picking import picked
from sagents_infra.cli.reaching import connected
from sagents_infra.cli.spans import span
from sagents_infra.links.address import LOCAL, address_of, token_of
from sagents_infra.links.book import LinkRow
from sagents_infra.links.deciding import revoke
from sagents_infra.links.errors import LinkExpired
from sagents_infra.links.link import LONGEST, Link, link_for
from sagents_infra.links.places import link_book
from sagents_infra.links.sealing import opened, sealed
from sagents_infra.settings import Settings
from sagents_infra.wiring import signing_keys

LINK_ID = re.compile(r"lnk_[0-9a-f]{16}")


def link(approval: str, decider: str, groups: Sequence[str], tenant: str | None, expires: str, as_json: bool) -> None:
    """Print the address; to nobody's tenant but the question's."""
    settings = Settings()

    async def work(server: AgentServer) -> tuple[Link, str]:
        [item] = await picked(server, [approval])
        made = link_for(item, Principal(decider, tuple(groups), tenant or item.tenant), span(expires))
        return made, await sealed(signing_keys(settings), made)

    made, token = connected(work, store_is_enough=True)
    address = address_of(settings.public_url or LOCAL, token)
    until = made.expires_at.isoformat()
    show({"id": made.id, "url": address, "for": made.subject, "expires_at": until}, address, as_json)
    if not as_json:
        typer.echo(f"{made.id} is for {made.subject} alone, until {until}", err=True)
    if not settings.public_url:
        typer.echo(f"SAGENTS_PUBLIC_URL is not set; the link leads to {LOCAL}, this machine", err=True)


def revoke_link(links: Sequence[str], by: str, as_json: bool) -> None:
    """Take them back, whether or not anything is known of them."""
    rows = asyncio.run(_revoked(links, by))
    if as_json:
        show([_value(row) for row in rows], "", True)
    for row in rows if not as_json else ():
        used = f"was used before: {row.decision}" if row.digest is not None else "revoked"
        typer.echo(f"{row.id} {used}", err=row.digest is not None)
    if any(row.digest is not None for row in rows):
        raise typer.Exit(FAILED)


async def _revoked(links: Sequence[str], by: str) -> list[LinkRow]:
    settings = Settings()
    book = link_book(settings)
    try:
        meant = [await _meant(settings, given) for given in links]
        return [await revoke(book, link_id, until, by) for link_id, until in meant]
    finally:
        book.close()


async def _meant(settings: Settings, given: str) -> tuple[str, datetime]:
    """A link's id and its end; of an id alone the latest that any link has."""
    now = datetime.now(UTC)
    if LINK_ID.fullmatch(given):
        return given, now + LONGEST
    try:
        found = await opened(signing_keys(settings), token_of(given), now)
    except LinkExpired as error:
        raise InvalidInput(f"{error} There is nothing to take back.") from None
    return found.id, found.expires_at


def _value(row: LinkRow) -> dict[str, object]:
    return {"id": row.id, "revoked": row.digest is None, "decision": row.decision}
