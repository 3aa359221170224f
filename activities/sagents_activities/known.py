"""States that a worker process knows: a shortcut, verified by digest before every use."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Self

from sagents.known import Known, unrolled

__all__ = ["Known", "StateCache", "unrolled"]


OBJECT = 1_000
"""Bytes of memory that a message takes beside its text, and a state beside its messages."""


@dataclass
class StateCache:
    """One state per agent; the least recently used ones are dropped when all together take more than `limit` bytes."""

    limit: int = 64 * 1024 * 1024
    _known: OrderedDict[str, Known] = field(default_factory=OrderedDict)
    _weight: int = 0

    def get(self, agent_id: str) -> Known | None:
        if agent_id in self._known:
            self._known.move_to_end(agent_id)
        return self._known.get(agent_id)

    def put(self, agent_id: str, known: Known) -> Self:
        self.drop(agent_id)
        self._known[agent_id] = known
        self._weight += _memory(known)
        while self._weight > self.limit and len(self._known) > 1:
            self.drop(next(iter(self._known)))
        return self

    def drop(self, agent_id: str) -> None:
        known = self._known.pop(agent_id, None)
        self._weight -= _memory(known) if known else 0


def _memory(known: Known) -> int:
    return known.weight + OBJECT * (1 + len(known.state.messages))
