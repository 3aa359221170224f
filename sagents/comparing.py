"""Where two versions of a conversation agree. Unchanged messages are mostly the same objects, so this is quick."""

from collections.abc import Sequence
from itertools import takewhile

from sagents.frozen import Frozen
from sagents.messages import Message, Role, ToolResult
from sagents.metadata import compact


def alike(left: Frozen, right: Frozen) -> bool:
    """Whether two values are written the same: equal, and equal in JSON types too (T-57)."""
    return left is right or (
        left == right and compact(left.model_dump(mode="json")) == compact(right.model_dump(mode="json"))
    )


def all_alike(left: Sequence[Frozen], right: Sequence[Frozen]) -> bool:
    """Whether two sequences hold the same values in the same order."""
    return left is right or (len(left) == len(right) and shared_start(left, right) == len(left))


def shared_start(left: Sequence[Frozen], right: Sequence[Frozen]) -> int:
    """How many values both begin with."""
    return sum(1 for _ in takewhile(bool, map(alike, left, right)))


def shared_end(left: Sequence[Frozen], right: Sequence[Frozen]) -> int:
    """How many values both end with."""
    return sum(1 for _ in takewhile(bool, map(alike, reversed(left), reversed(right))))


def replaced_results(before: Message, after: Message) -> list[tuple[str, ToolResult]] | None:
    """The results that differ, under the call ids they had; None where anything else differs."""
    old, new = before.tool_results, after.tool_results
    comparable = before.role is Role.TOOL and len(old) == len(new) and alike(before.but(tool_results=new), after)
    if not comparable:
        return None
    return [(was.tool_call_id, now) for was, now in zip(old, new, strict=True) if not alike(was, now)]
