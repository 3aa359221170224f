"""A state that somebody has read, and where in the log it stands: what saved segments and operations fold into."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

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
        return json.dumps(
            {"position": self.position, "digest": self.digest, "state": self.state.model_dump(mode="json")}
        )


def unrolled(chain: Chain) -> Known:
    """The state that a chain of saves leads to."""
    known = _from_snapshot(chain.snapshot) if chain.snapshot else Known()
    for segment in chain.segments:
        known = known.after(OPERATIONS.validate_json(segment))
    return known


def _from_snapshot(snapshot: str) -> Known:
    data = json.loads(snapshot)
    return Known(data["position"], data["digest"], State.model_validate(data["state"]), len(snapshot))
