"""JSON pointers (RFC 6901): where in a value something is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def pointer(parts: Iterable[str | int]) -> str:
    """The pointer that these keys and indices make."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def pointer_into(value: Any, location: Iterable[str | int], *, absent: bool = False) -> str:
    """The pointer to where a validator found a mistake.

    A validator also names what it tried there (a member of a union, a model): that is no key of the value, and left
    out. The last part of what is `absent` is named although it is not there.
    """
    parts = tuple(location)
    found: list[str | int] = []
    for place, part in enumerate(parts):
        inside = isinstance(value, dict) and part in value
        if inside or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = value[part]
            found.append(part)
        elif absent and place + 1 == len(parts):
            found.append(part)
    return pointer(found)
