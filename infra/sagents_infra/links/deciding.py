"""What a link shows, and what it decides.

GET  ── token ──▶ look    reads, and nothing else: mail programs open every link they meet
POST ── token ──▶ decide  claims the link's row for this decision, then tells the agent
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagents import contract
from sagents.client import AgentServer
from sagents.contract import DecisionAnswer
from sagents.decisions import Decision
from sagents.digests import decision_digest
from sagents.errors import CannotResume, DigestMismatch, Forbidden, InterruptGone, InterruptUnknown, InvalidInput
from sagents.inbox import InboxItem
from sagents.interrupts import InterruptStatus
from sagents.ports import Signer
from sagents.status import Status
from sagents_infra.links.book import LinkBook, LinkRow
from sagents_infra.links.errors import LinkRevoked, LinkUsed
from sagents_infra.links.link import Link, may_decide
from sagents_infra.links.outcome import LinkOutcome, outcome_of
from sagents_infra.links.sealing import opened

CHANNEL = "link"
"""Where such decisions come from, as their log says."""

WAITS = str(Status.INTERRUPTED)


@dataclass(frozen=True)
class Looked:
    """A link that holds, and either what waits or what became of it."""

    link: Link
    item: InboxItem | None = None
    outcome: LinkOutcome | None = None


@dataclass(frozen=True)
class LinkDesk:
    """Looks at what links are about, and decides by them. A token counts for what it says and for nobody else."""

    server: AgentServer
    signer: Signer
    book: LinkBook
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def look(self, token: str) -> Looked:
        """What the link's person is to see; nothing changes. Raises a `LinkRefused` or a `DecisionRefused`."""
        link, row = await self._believed(token)
        item = await self._item(link)
        used = row is not None and row.digest is not None
        if item is None or used:
            entries = [row.entry for row in await self.server.decision_log(link.agent_id)]
            if outcome := outcome_of(link, row, entries):
                return Looked(link, outcome=outcome)
        self._check(link, item)
        return Looked(link, item)

    async def believed(self, token: str) -> Link:
        """The link, if it holds. Raises a `LinkRefused`."""
        return (await self._believed(token))[0]

    async def decide(self, token: str, given: Mapping[str, Any]) -> DecisionAnswer:
        """Decide as the link's person; `given` is a decision as the contract has it.

        The same decision again gets the same answer, another one `LinkUsed`. Raises what `look` and
        `AgentServer.decide` raise; the link is as it was then, unless it is unknown what the agent made of it.
        """
        link, _ = await self._believed(token)
        command = contract.parse_decide({**given, "interrupt_id": link.interrupt_id, "digest": link.digest or None})
        decision = command.decisions[0].decision
        await self._check_tenant(link)
        await self._claim(link, decision)
        try:
            return await self.server.decide(
                link.agent_id,
                link.interrupt_id,
                decision,
                digest=link.digest or None,
                principal=link.principal,
                channel=CHANNEL,
            )
        except (CannotResume, InvalidInput):
            digest = decision_digest(decision)
            await self.book.change(_row(link), lambda row: row.unused(digest))
            raise

    async def _believed(self, token: str) -> tuple[Link, LinkRow | None]:
        link = await opened(self.signer, token, self.clock())
        row = await self.book.get(link.id)
        if row is not None and row.digest is None:
            _check_revoked(row)
        return link, row

    async def _item(self, link: Link) -> InboxItem | None:
        items = await self.server.inbox(agent_id=contract.check_address(link.agent_id), status=None)
        return next((item for item in items if item.interrupt.id == link.interrupt_id), None)

    def _check(self, link: Link, item: InboxItem | None) -> None:
        """Raise unless it is what the link was made for, and its person may decide it now."""
        whose = (link.agent_id, WAITS)
        if item is None:
            raise InterruptUnknown(*whose, "Nothing waits here any more.", link.interrupt_id)
        if not may_decide(item, link.principal):
            raise Forbidden(*whose, f"{link.subject} may not decide this.", link.interrupt_id)
        if not link.is_of(item.interrupt):
            why = "The call that waits now is not the one that this link was made for. Ask for a new link."
            raise DigestMismatch(*whose, why, link.interrupt_id)
        if item.status(self.clock()) is InterruptStatus.EXPIRED:
            raise InterruptGone(*whose, "Its time is over; nobody can decide it any more.", link.interrupt_id)

    async def _check_tenant(self, link: Link) -> None:
        """The agent checks it where it has a tenant; a link of a tenant is for none of nobody's."""
        item = await self._item(link)
        if item is not None and (item.tenant or None) != (link.tenant or None):
            raise Forbidden(link.agent_id, WAITS, f"{link.subject} may not decide this.", link.interrupt_id)

    async def _claim(self, link: Link, decision: Decision) -> None:
        """Make it this link's one decision. Raises `LinkRevoked` or `LinkUsed` where that is too late."""
        digest, at = decision_digest(decision), self.clock()
        row = await self.book.change(_row(link), lambda row: row.used(decision.type, digest, at))
        _check_revoked(row)
        if row.digest != digest:
            raise LinkUsed(row.decision or "", row.decided_at or at)


async def revoke(book: LinkBook, link_id: str, until: datetime, by: str) -> LinkRow:
    """Take a link back. The row as it is now, which says if it was used before."""
    if not by:
        raise InvalidInput("Who takes a link back gives a name: it is kept.")
    at = datetime.now(UTC)
    return await book.change(LinkRow(id=link_id, until=until), lambda row: row.revoked(by, at))


def _row(link: Link) -> LinkRow:
    return LinkRow(id=link.id, until=link.expires_at)


def _check_revoked(row: LinkRow) -> None:
    if row.revoked_at is not None:
        raise LinkRevoked(row.revoked_by or "", row.revoked_at)
