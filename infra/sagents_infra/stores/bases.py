"""Bases as a store keeps them: each row holds the operations since its parent, or a snapshot in their place.

(nothing) ◄── a ◄── b ◄── c[snapshot] ◄── d        read d: c's snapshot, d
                    └◄─── e                        read e: a, b, e; the fork that a reset leaves stays readable
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sagents.errors import Damaged
from sagents.ports import Chain, Segment, Weight


class BaseRow(NamedTuple):
    """What is kept of one base; `body` is its snapshot or its operations."""

    parent: str
    is_snapshot: bool
    size: int
    body: str

    @classmethod
    def of(cls, segment: Segment) -> "BaseRow":
        body = segment.operations if segment.snapshot is None else segment.snapshot
        return cls(segment.parent.digest, segment.snapshot is not None, len(body), body)


class Aged(NamedTuple):
    """What it takes to say whether a base is needed; `at` is when it was written, in seconds since 1970."""

    parent: str
    is_snapshot: bool
    at: float


def out_of_use(bases: Mapping[str, Aged], head: str, since: float) -> list[str]:
    """The digests of the bases that no head is read from which was an agent's newest at any time `since` then.

    Those are the head's chain, the chains of what was written since, and of what it followed: `temporal workflow reset`
    goes back to any of them. A chain ends at its snapshot.
    """
    young = [(digest, base.parent) for digest, base in bases.items() if base.at >= since]
    needed = set[str]()
    for digest in (head, *(digest for pair in young for digest in pair)):
        at = digest
        while at in bases and at not in needed:
            needed.add(at)
            at = "" if bases[at].is_snapshot else bases[at].parent
    return [digest for digest in bases if digest not in needed]


def chain_of(agent_id: str, digest: str, back: Sequence[BaseRow]) -> Chain | None:
    """The chain from the rows met on the way back from `digest` to the nearest snapshot."""
    if not _is_stored(agent_id, digest, back):
        return None
    return Chain(
        snapshot=next((row.body for row in back if row.is_snapshot), None),
        segments=tuple(row.body for row in reversed(back) if not row.is_snapshot),
    )


def weight_of(agent_id: str, digest: str, back: Sequence[BaseRow]) -> Weight | None:
    """The same, weighed; the rows need no body."""
    if not _is_stored(agent_id, digest, back):
        return None
    return Weight(
        snapshot=sum(row.size for row in back if row.is_snapshot),
        segments=sum(row.size for row in back if not row.is_snapshot),
    )


def _is_stored(agent_id: str, digest: str, back: Sequence[BaseRow]) -> bool:
    """Whether there is such a base. An incomplete chain is `Damaged`: read as a shorter one it would lose state."""
    if back and not back[-1].is_snapshot and back[-1].parent:
        parent = back[-1].parent
        raise Damaged(f"Base {digest!r} of {agent_id!r} builds on {parent!r}, which is not stored before it any more.")
    return bool(back) or digest == ""
