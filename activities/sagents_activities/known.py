"""States that a worker process knows: a shortcut, verified by digest before every use."""

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from sagents.operations import EMPTY_DIGEST, OPERATIONS, Operation, canonical, fold, roll
from sagents.ports import Base, Chain
from sagents.state import State


@dataclass(frozen=True)
class Known:
    """A state, the log position it stands at, and about how many bytes it holds."""

    position: int = 0
    digest: str = EMPTY_DIGEST
    state: State = field(default_factory=State)
    weight: int = 0

    def after(self, operations: Iterable[Operation]) -> "Known":
        digest, position, weight = self.digest, self.position, self.weight
        operations = tuple(operations)
        for operation in operations:
            digest = roll(digest, operation)
            position += 1
            weight += len(canonical(operation))
        return Known(position, digest, fold(self.state, operations), weight)

    def is_at(self, base: Base) -> bool:
        return (self.position, self.digest) == (base.position, base.digest)

    @property
    def snapshot(self) -> str:
        """The text that `unrolled` reads again."""
        return json.dumps({"position": self.position, "digest": self.digest, "state": self.state.model_dump(mode="json")})


def unrolled(chain: Chain) -> Known:
    """The state that a chain of saves leads to."""
    known = _from_snapshot(chain.snapshot) if chain.snapshot else Known()
    for segment in chain.segments:
        known = known.after(OPERATIONS.validate_json(segment))
    return known


def _from_snapshot(snapshot: str) -> Known:
    data = json.loads(snapshot)
    return Known(data["position"], data["digest"], State.model_validate(data["state"]), len(snapshot))


@dataclass
class StateCache:
    """One state per agent; the least recently used ones are dropped when all together weigh more than `limit` bytes."""

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
        self._weight += known.weight
        while self._weight > self.limit and len(self._known) > 1:
            self.drop(next(iter(self._known)))
        return self

    def drop(self, agent_id: str) -> None:
        known = self._known.pop(agent_id, None)
        self._weight -= known.weight if known else 0
