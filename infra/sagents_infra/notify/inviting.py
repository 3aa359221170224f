"""Links for those who may decide, each for one of them."""

from dataclasses import dataclass
from datetime import timedelta

from sagents.inbox import InboxItem
from sagents.ports import Notice, Signer
from sagents.principal import Principal
from sagents_infra.links.address import address_of
from sagents_infra.links.link import USUAL, deciders, link_for
from sagents_infra.links.sealing import sealed
from sagents_infra.notify.letters import ASKING, Invitation


@dataclass(frozen=True)
class Inviting:
    """Makes links to the HTTP API at `base`. A notice that is repeated has the same ones."""

    signer: Signer
    base: str
    lasting: timedelta = USUAL

    def __post_init__(self) -> None:
        address_of(self.base, "")

    async def links(self, notice: Notice) -> tuple[Invitation, ...]:
        """One for each who may decide; none for a notice that asks for nothing."""
        if notice.kind not in ASKING:
            return ()
        item = InboxItem.model_validate_json(notice.item)
        return tuple([await self._link(item, person, notice.id) for person in deciders(item)])

    async def _link(self, item: InboxItem, person: Principal, slot: str) -> Invitation:
        link = link_for(item, person, self.lasting, slot)
        return Invitation(subject=person.subject, url=address_of(self.base, await sealed(self.signer, link)))
