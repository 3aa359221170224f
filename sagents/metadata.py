"""What is done with metadata, a JSON document: compared, merged (T-20) and told apart by the smallest patch."""

import json
from collections.abc import Mapping

from pydantic import JsonValue

_EXACT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
compact = _EXACT.encode
"""A JSON value as text that is the same for equal values: compact, with sorted keys."""


def same(left: JsonValue, right: JsonValue) -> bool:
    """Whether two JSON values are equal in type too: for Python `1`, `1.0` and `True` are equal (T-57)."""
    return left is right or (left == right and compact(left) == compact(right))


def deep_merge(left: Mapping[str, JsonValue], right: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Both documents in one. Where both have a map it is merged; in every other conflict the right side wins."""
    merged = dict(left)
    for key, value in right.items():
        mine = merged.get(key)
        merged[key] = deep_merge(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged


def patch(before: JsonValue, after: JsonValue) -> dict[str, JsonValue] | None:
    """The smallest map that merged into `before` gives `after`; None where no merge can, as when a key went away."""
    if not (isinstance(before, dict) and isinstance(after, dict)) or before.keys() - after.keys():
        return None
    changed: dict[str, JsonValue] = {}
    for key, value in after.items():
        if key not in before or not same(before[key], value):
            changed[key] = value
            if isinstance(before.get(key), dict) and isinstance(value, dict):
                inner = patch(before[key], value)
                if inner is None:
                    return None
                changed[key] = inner
    return changed
