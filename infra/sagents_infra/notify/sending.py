"""How a notice goes out: to each place that it is meant for, side by side."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from sagents.ports import Notice
from sagents_infra.notify.inviting import Inviting
from sagents_infra.notify.letters import Invitation, Letter, letter_of

log = structlog.get_logger(__name__)


class NotSent(Exception):
    """A notice did not get out; the message says why, and has nothing of an address that is a secret."""


class Way(Protocol):
    """One place that notices go to."""

    async def send(self, letter: Letter) -> None:
        """Send it. Raises whatever goes wrong."""


@dataclass(frozen=True)
class Place:
    """A way, and the name by which a policy's `notify` chooses it. Without `links` it gets none."""

    way: Way
    label: str
    name: str = ""
    links: bool = True


class Sender:
    """A `Notifier` for several places. One that fails costs what it would have sent, and nothing else.

    `direct` finds the way to a target that is itself an address.
    """

    def __init__(self, places: Sequence[Place], direct: "Direct", inviting: Inviting | None = None) -> None:
        self._places, self._direct, self._inviting = tuple(places), direct, inviting

    async def notify(self, notice: Notice) -> None:
        links = await self._links(notice)
        letter = letter_of(notice, links)
        sent = [_sent(place, letter if place.links else replace(letter, links=())) for place in self._meant(notice)]
        await asyncio.gather(*sent)

    def _meant(self, notice: Notice) -> list[Place]:
        """What the targets choose or name; all places where there are none, and where one means nothing to us."""
        found: list[Place] = []
        for target in notice.targets:
            chosen = [place for place in self._places if place.name and place.name == target.lstrip("#@")]
            if not chosen and (named := self._direct.place(target)) is not None:
                chosen = [named]
            if not chosen:
                self._unknown(target, notice)
                chosen = list(self._places)
            found += [place for place in chosen if place not in found]
        return found or list(self._places)

    def _unknown(self, target: str, notice: Notice) -> None:
        """Nobody may miss it for a name that was written wrongly; where all goes to the log, names mean nothing."""
        if any(place.label != "log" for place in self._places):
            log.warning("nobody knows this target of a notice; all are told", target=target, agent=notice.agent_id)

    async def _links(self, notice: Notice) -> tuple[Invitation, ...]:
        """A notice without links is better than none."""
        try:
            return await self._inviting.links(notice) if self._inviting is not None else ()
        except Exception as error:
            log.warning("a notice has no links", agent=notice.agent_id, error=f"{type(error).__name__}: {error}")
            return ()


class Direct(Protocol):
    """Ways to addresses that stand in a policy."""

    def place(self, target: str) -> Place | None:
        """The place; None where the target is no address that can be reached."""


async def _sent(place: Place, letter: Letter) -> None:
    try:
        await place.way.send(letter)
    except Exception as error:
        log.warning("a notice was not sent", to=place.label, agent=letter.agent_id, notice=letter.id, error=_why(error))


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, NotSent) else f"{type(error).__name__}: {error}"
