"""Values against a JSON Schema that nobody has looked at: what fits, what does not, and what would harm a worker."""

import subprocess
import sys
from typing import Any

import pytest

from sagents.json_schema import MOST_CHARACTERS, MOST_DEPTH, MOST_VALUES, problem

Schema = dict[str, Any]
EVIL = "^(a+)+$"
"""Python's own engine would need longer than anybody lives to find out that EVIL_TEXT does not match."""
EVIL_TEXT = "a" * 5_000 + "!"

FORM: Schema = {
    "type": "object",
    "properties": {"a/b~": {"type": "array", "items": {"type": "integer", "minimum": 3}}, "day": {"format": "date"}},
    "required": ["a/b~"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "pointer", "words"),
    [
        ({"a/b~": [3, 2]}, "/a~1b~0/1", "2 is less than the minimum of 3"),
        ({"a/b~": [], "day": "tomorrow"}, "/day", "'tomorrow' is not a 'date'"),
        ({"a/b~": [], "x": 1}, "", "'x' was unexpected"),
        ({}, "", "'a/b~' is a required property"),
        ([], "", "not of type 'object'"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(value: Any, pointer: str, words: str) -> None:
    found = problem(FORM, value)
    assert found is not None
    assert found.pointer == pointer
    assert words in found.message


@pytest.mark.parametrize(
    ("schema", "fitting", "other"),
    [
        ({"pattern": "^[A-Z]{2}$"}, "DE", "de"),
        ({"patternProperties": {"^x-": {"type": "integer"}}}, {"x-1": 1, "y": "any"}, {"x-1": "one"}),
        ({"patternProperties": {"^x-": True}, "additionalProperties": False}, {"x-1": 1}, {"y": 1}),
        (
            {"properties": {"a": True}, "patternProperties": {"^x": True}, "additionalProperties": {"type": "null"}},
            {"a": 1, "x": 1, "other": None},
            {"other": 1},
        ),
        ({"unevaluatedProperties": False, "allOf": [{"properties": {"a": True}}]}, {"a": 1}, {"b": 1}),
        ({"uniqueItems": True}, [1, "1", {"a": 1}], [{"a": 1}, {"a": 1}]),
        ({"$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n", "type": "object"}, {}, 1),
        ({"format": "date-time"}, "2026-11-21T12:00:00Z", "2026-11-21T12:00:00"),
        ({"format": "whatever"}, "x", None),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": True, "minimum": 1}, 2, 1),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"x": {"$ref": "#"}}, "type": "object"},
         {"x": {}}, {"x": 1}),
        ({"properties": {"$schema": {"type": "string"}}}, {"$schema": "x"}, {"$schema": 1}),
    ],
)  # fmt: skip
def test_schemas_mean_what_they_say(schema: Schema, fitting: Any, other: Any) -> None:
    assert problem(schema, fitting) is None
    if other is not None:
        found = problem(schema, other)
        assert found is not None
        assert "cannot be used" not in found.message


def doubling(levels: int) -> Schema:
    """Each level applies the next one twice."""
    parts: Schema = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**parts, f"a{levels}": {"type": "string"}}, "$ref": "#/$defs/a0"}


def doubling_names(levels: int) -> Schema:
    """The same where only names are collected."""
    parts: Schema = {
        f"a{n}": {"$anchor": f"a{n}", "$ref": f"#/$defs/a{n + 1}", "$dynamicRef": f"#a{n + 1}"} for n in range(levels)
    }
    return {
        "unevaluatedProperties": False,
        "$defs": {**parts, f"a{levels}": {"$anchor": f"a{levels}"}},
        "$ref": "#/$defs/a0",
    }


META = "https://json-schema.org/draft/2020-12/schema"
MIXED = [{"a": n} if n % 2 else str(n) for n in range(MOST_VALUES // 3)]

BOMBS: dict[str, tuple[Schema, Any, str]] = {
    "doubling": (doubling(40), "x", "too much work"),
    "doubling of names": (doubling_names(40), {"x": 1}, "`$dynamicRef` beside"),
    "all with all": ({"uniqueItems": True}, MIXED, "too much work"),
    "all with all others": ({"items": {"enum": [str(n) for n in range(5_000)]}}, ["4999"] * 5_000, "too much work"),
    "messages": ({"anyOf": [{"type": "string"}] * 3_000}, ["x" * 40_000] * 5, "too much work"),
    "itself": ({"$ref": "#"}, 1, "refers to itself without an end"),
    "look-around": ({"pattern": "(?=a)b"}, "b", "no expression that is known here"),
    "a huge expression": ({"pattern": "((a{1000}){1000}){1000}"}, "a", "no expression that is known here"),
    "the network": ({"$ref": "http://127.0.0.1:9/schema.json"}, 1, "Unresolvable"),
    "a file": ({"$ref": "file:///etc/passwd"}, 1, "Unresolvable"),
    "another draft within": (
        {"properties": {"x": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": EVIL}}},
        {"x": EVIL_TEXT},
        "a `$schema` of its own",
    ),
    "a way back through the draft": (
        {"$dynamicAnchor": "meta", "properties": {"not": {"pattern": EVIL}}, "allOf": [{"$ref": META}]},
        {"not": {"not": EVIL_TEXT}},
        "a `$schema` of its own",
    ),
    "names by Python": (
        {"patternProperties": {EVIL: True}, "unevaluatedProperties": False},
        {EVIL_TEXT: 1},
        "`patternProperties` beside",
    ),
    "infinity": ({"multipleOf": 0.5}, float("inf"), "cannot be used"),
    "a large schema": ({"enum": ["x"] * (MOST_VALUES + 1)}, "x", "it is too large"),
    "a long schema": ({"const": "x" * (MOST_CHARACTERS + 1)}, "x", "it is too large"),
    "no schema": ({"type": "nonsense"}, 1, "'nonsense' is not valid"),
    "no draft": ({"$schema": {"a": 1}}, 1, "cannot be used"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("schema", "value", "words"), BOMBS.values(), ids=BOMBS)
def test_a_schema_that_would_harm_a_worker_fits_nothing(schema: Schema, value: Any, words: str) -> None:
    found = problem(schema, value)
    assert found is not None
    assert "the schema cannot be used" in found.message
    assert words in found.message
    assert len(found.message) <= 500


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": EVIL}, EVIL_TEXT),
        ({"patternProperties": {EVIL: True}, "additionalProperties": False}, {EVIL_TEXT: 1}),
        ({"propertyNames": {"pattern": EVIL}}, {EVIL_TEXT: 1}),
    ],
)
def test_no_expression_takes_longer_than_its_text_is_long(schema: Schema, value: Any) -> None:
    found = problem(schema, value)
    assert found is not None
    assert "cannot be used" not in found.message


@pytest.mark.parametrize("place", ["http://127.0.0.1:9/schema.json", "file:///etc/hostname"])
def test_nothing_is_fetched(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[object] = []
    monkeypatch.setattr("urllib.request.urlopen", lambda *wanted, **_: fetched.append(wanted))
    found = problem({"$ref": place}, 1)
    assert found is not None
    assert "Unresolvable" in found.message
    assert fetched == []


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [nested(MOST_DEPTH), [1] * MOST_VALUES, "x" * (MOST_CHARACTERS + 1), nested(50_000)])
def test_a_value_that_is_too_large_fits_nothing(value: Any) -> None:
    found = problem({}, value)
    assert found is not None
    assert found.message == "it is too large to be checked"


def test_a_large_but_honest_answer_is_checked() -> None:
    rows: Schema = {
        "items": {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}}
    }
    assert problem(rows, [{"name": "x", "count": 1}] * 3_000) is None


def test_the_core_and_the_kernel_do_not_load_it() -> None:
    """B-91: it is slow to load, and schemas never run in a workflow."""
    script = "import sys, sagents, sagents_workflows; print(sorted(sys.modules.keys() & {'jsonschema', 'referencing'}))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "[]", ran.stderr
