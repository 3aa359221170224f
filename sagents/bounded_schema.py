"""The validators of `jsonschema`, made safe for schemas and values that nobody has looked at.

Their work is counted, so that none of them keeps a worker busy for more than a second or two; regular expressions
take linear time; and nothing is fetched: a schema refers to parts of itself only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend, validator_for
from pydantic import JsonValue
from pydantic_core import SchemaValidator
from pydantic_core.core_schema import str_schema
from referencing import Registry

MOST_WORK = 50_000
"""Schemas and keywords applied, and what their messages weigh."""

FORMATS = FormatChecker(formats=("date", "email", "ipv4", "ipv6", "uuid"))
"""Those that every installation can check; others say nothing."""

LEFT_OVER = {"unevaluatedItems", "unevaluatedProperties"}
UNCOUNTED = {"$dynamicRef", "$recursiveRef", "patternProperties"}
"""What `jsonschema` looks into by itself, past the keywords, to learn what is left over."""

Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]
Errors = Iterator[ValidationError]

_work: ContextVar[list[int]] = ContextVar("work")


class Unusable(Exception):
    """Nobody can tell by this schema whether a value fits."""


def first_error(schema: Mapping[str, JsonValue], value: JsonValue) -> ValidationError | None:
    """What says best why the value does not fit. Raises whatever a schema that cannot be used makes it raise."""
    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(schema)
    own = {key: part for key, part in schema.items() if key != "$schema"}
    names = _names(own)
    if (left := names & LEFT_OVER) and (found := names & UNCOUNTED):
        raise Unusable(f"it has `{min(found)}` beside `{min(left)}`")
    _work.set([MOST_WORK])
    error: ValidationError | None = best_match(
        _bounded(kind)(own, registry=Registry(), format_checker=FORMATS).iter_errors(value)
    )
    return error


def _names(value: JsonValue) -> set[str]:
    """All names in a schema: keywords, and whatever it describes."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        found.update(one if isinstance(one, dict) else ())
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return found


@lru_cache
def _bounded(kind: Any) -> Any:
    """The validator of a draft, made safe."""
    keywords: dict[str, Keyword] = {
        **kind.VALIDATORS,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties(kind.VALIDATORS["additionalProperties"]),
        "uniqueItems": _unique_items(kind.VALIDATORS["uniqueItems"]),
    }
    bounded = extend(kind, {name: _counted(keyword) for name, keyword in keywords.items()})
    evolve = bounded.evolve

    def counted_evolve(self: Any, **changes: Any) -> Any:
        _spend(1)
        made = evolve(self, **changes)
        if type(made) is not bounded:
            raise Unusable("a part of it, or what it refers to, has a `$schema` of its own")
        return made

    bounded.evolve = counted_evolve
    return bounded


def _spend(amount: int) -> None:
    left = _work.get()
    left[0] -= amount
    if left[0] < 0:
        raise Unusable("applying it takes too much work")


def _counted(keyword: Keyword) -> Keyword:
    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Errors:
        _spend(1 + (len(wanted) if isinstance(wanted, list | dict) else 0))
        for error in keyword(validator, wanted, value, schema) or ():
            _spend(len(error.message) // 50)
            yield error

    return counted


def _unique_items(original: Keyword) -> Keyword:
    def unique_items(validator: Any, wanted: Any, value: Any, schema: Any) -> Errors:
        _spend(len(value) ** 2 // 50 if isinstance(value, list) else 0)  # it compares all with all
        yield from original(validator, wanted, value, schema) or ()

    return unique_items


def _pattern(validator: Any, wanted: str, value: Any, _schema: Any) -> Errors:
    if validator.is_type(value, "string") and not _matches(wanted, value):
        yield ValidationError(f"{value!r} does not match {wanted!r}")


def _pattern_properties(validator: Any, wanted: Any, value: Any, _schema: Any) -> Errors:
    for name in value if validator.is_type(value, "object") else ():
        for expression, inner in wanted.items():
            if _matches(expression, name):
                yield from validator.descend(value[name], inner, path=name, schema_path=expression)


def _additional_properties(original: Keyword) -> Keyword:
    def additional_properties(validator: Any, wanted: Any, value: Any, schema: Any) -> Errors:
        expressions = schema.get("patternProperties", {})
        if expressions and validator.is_type(value, "object"):
            schema = {name: part for name, part in schema.items() if name != "patternProperties"}
            value = {name: part for name, part in value.items() if not any(_matches(e, name) for e in expressions)}
        yield from original(validator, wanted, value, schema) or ()

    return additional_properties


def _matches(expression: str, text: str) -> bool:
    _spend(1 + len(text) // 100)
    return bool(_compiled(expression).isinstance_python(text))


@lru_cache(maxsize=256)
def _compiled(expression: str) -> SchemaValidator:
    """By the engine of pydantic, which no input makes slow; it has no look-around and no back-references."""
    try:
        return SchemaValidator(str_schema(pattern=expression))
    except Exception:
        raise Unusable(f"{expression!r} is no expression that is known here (no look-around, no references)") from None


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


FORMATS.checks("date-time", raises=ValueError)(_is_moment)
