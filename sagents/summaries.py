"""A template as a person reads it: `"Refund {amount} for {order}"` with a call's arguments filled in.

The values come from a model. They are put in as text and never looked into: no attribute of them is read, and no
character of them can move a cursor, start a line or turn the direction of the text around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from sagents.clipping import clipped

LONGEST = 500
"""Characters of a summary: heads and notices carry it."""
CONVERSIONS: Mapping[str, Callable[[Any], str]] = {"r": repr, "s": str, "a": ascii}


def filled(template: str, arguments: Mapping[str, Any]) -> str:
    """The template with its placeholders filled; one that no argument fits stays as it is written. Never raises."""
    pieces = [
        literal + ("" if name is None else _filled(name, spec or "", conversion, arguments))
        for literal, name, spec, conversion in Formatter().parse(template)
    ]
    return clipped("".join(pieces), LONGEST)


def shown(text: str) -> str:
    """A text as it may stand in a summary: lines are kept, characters that control a screen are not."""
    return clipped("\n".join(_plain(line) for line in text.splitlines()), LONGEST)


def _filled(name: str, spec: str, conversion: str | None, arguments: Mapping[str, Any]) -> str:
    written = f"{{{name}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}"
    if name not in arguments:
        return written
    value = arguments[name]
    try:
        return _plain(clipped(_formatted(CONVERSIONS[conversion](value) if conversion else value, spec), LONGEST))
    except Exception:
        return written


def _formatted(value: Any, spec: str) -> str:
    try:
        return format(value, spec)
    except (TypeError, ValueError):  # a format for a number, and the model gave none
        return str(value)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
