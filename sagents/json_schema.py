"""Whether a value fits a JSON Schema that somebody else wrote. Slow to import: import it where it is needed.

Neither the schema nor the value is trusted: nothing is fetched, both have limits, and work is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from jsonschema.exceptions import SchemaError
from pydantic import JsonValue

from sagents.bounded_schema import Unusable, first_error
from sagents.clipping import clipped
from sagents.pointers import pointer

MOST_VALUES, MOST_CHARACTERS, MOST_DEPTH = 10_000, 256 * 1024, 64

BRIEF = 500
"""Characters of a message; it quotes the value."""


class Problem(NamedTuple):
    """What does not fit, and where: an RFC 6901 pointer into the value."""

    pointer: str
    message: str


def problem(schema: Mapping[str, JsonValue], value: JsonValue) -> Problem | None:
    """What is wrong with the value; None where it fits. A schema that cannot be used fits nothing. Never raises."""
    try:
        if _is_large(value):
            return Problem("", "it is too large to be checked")
        if _is_large(dict(schema)):
            raise Unusable("it is too large")
        error = first_error(schema, value)
    except SchemaError as wrong:
        return _unusable(f"{wrong.message} (at {pointer(wrong.absolute_path) or 'its root'})")
    except RecursionError:
        return _unusable("it refers to itself without an end")
    except Exception as failure:  # a reference that leads nowhere, a number that is too large
        return _unusable(str(failure))
    return Problem(pointer(error.absolute_path), clipped(error.message, BRIEF)) if error else None


def _unusable(why: str) -> Problem:
    return Problem("", clipped(f"the schema cannot be used: {why}", BRIEF))


def _is_large(value: JsonValue) -> bool:
    values = characters = 0
    waiting: list[tuple[JsonValue, int]] = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        values += 1
        match one:
            case str():
                characters += len(one)
            case dict():
                characters += sum(map(len, one))
                waiting += [(inner, depth + 1) for inner in one.values()]
            case list():
                waiting += [(inner, depth + 1) for inner in one]
            case _:
                pass
        if values > MOST_VALUES or characters > MOST_CHARACTERS or depth > MOST_DEPTH:
            return True
    return False
