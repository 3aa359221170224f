"""How deep a JSON value may be: it is read to a depth of 200, and what an agent carries is wrapped around it."""

from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 100


def is_deep(value: Any) -> bool:
    """Whether a value is nested deeper than an agent can carry."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
