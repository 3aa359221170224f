"""What an agent knows of the sub-agents that work for it now."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sagents.briefs import ChildWaits, Waiting
from sagents.head import Head
from sagents.interrupts import Interrupt


class Waits(NamedTuple):
    """What a sub-agent's parent has to know of it: whether it waits for nothing but people, and what is asked."""

    parked: bool
    own: tuple[Interrupt, ...]
    below: tuple[ChildWaits, ...]


NOBODY_WAITS = Waits(False, (), ())


class Below:
    """Which calls run, and what the sub-agents among them have said last. What is said of other calls is old."""

    def __init__(self) -> None:
        self.calls: Collection[str] = ()
        self._said: dict[str, ChildWaits] = {}
        self._told = False

    def heard(self, child: ChildWaits) -> None:
        """A sub-agent waits for people, or goes on."""
        self._said = {call: said for call, said in self._said.items() if call in self.calls}
        self._said[child.call_id] = child

    @property
    def are_parked(self) -> bool:
        """Whether all that runs are sub-agents that wait for people."""
        return bool(self.calls) and all(call in self._said and self._said[call].parked for call in self.calls)

    @property
    def is_news(self) -> bool:
        """Whether that has changed since it was told."""
        return self.are_parked != self._told

    def tell(self) -> bool:
        """The same, which is no news from now on."""
        self._told = self.are_parked
        return self._told

    def told(self, head: Head) -> tuple[ChildWaits, ...]:
        """What those who are at work have said, in the order of their calls."""
        planned = head.run.calls if head.run else ()
        ids = [call.plan.call_id for call in planned if call.plan.call_id in self.calls]
        return tuple(self._said[call_id] for call_id in ids if call_id in self._said)

    def waiting(self, head: Head) -> tuple[Waiting, ...]:
        """What waits for people here and below, and who is told the decision."""
        mine = head.agent.agent_id
        own = tuple(Waiting(agent_id=mine, interrupt=interrupt) for interrupt in head.open_interrupts)
        return (*own, *(waiting for one in self.told(head) for waiting in one.waiting))

    def waits(self, head: Head, parked: bool) -> Waits:
        """The same as a sub-agent reports it."""
        return Waits(parked, head.open_interrupts, self.told(head))
