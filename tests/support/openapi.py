"""Requests that an OpenAPI document allows, and such that it does not: for doors which must have an answer to all."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Schema = Mapping[str, Any]

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=30)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
LINE = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)


@dataclass(frozen=True)
class Operation:
    """One way to ask: a method and a path of the document."""

    document: Schema
    method: str
    path: str
    how: Schema

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def requests(self, known: Mapping[str, list[str]]) -> st.SearchStrategy["Request"]:
        """Requests with parameters and bodies as the document has them, or as it does not; `known` ids now and then."""
        given: dict[str, list[st.SearchStrategy[Any]]] = {"path": [], "query": [], "header": []}
        for parameter in self.how.get("parameters", ()):
            fits = self._fits(parameter["schema"], 0).map(_written)
            ids = st.sampled_from(known.get(parameter["name"], [""])).filter(bool) | fits
            odd = LINE if parameter["in"] == "header" else st.text(min_size=1, max_size=40)
            value = fits | odd if parameter["in"] != "path" else (ids if parameter["name"] in known else fits) | odd
            given[parameter["in"]].append(st.tuples(st.just(parameter["name"]), value))
        return st.builds(
            Request,
            operation=st.just(self),
            path=st.tuples(*given["path"]).map(dict),
            query=_some(given["query"] + [st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5))]),
            headers=_some(given["header"]),
            body=self._bodies(),
            encoded=st.sampled_from(["plain", "base64", "broken"]) if self._schema else st.just("plain"),
        )

    @property
    def _schema(self) -> Schema | None:
        content = self.how.get("requestBody", {}).get("content", {}).get("application/json", {})
        found: Schema | None = content.get("schema")
        return found

    def _bodies(self) -> st.SearchStrategy[str | None]:
        if self._schema is None and self.method != "POST":
            return st.none()
        fits = self._fits(self._schema, 0) if self._schema else ANYTHING
        return st.none() | fits.map(json.dumps) | fits.map(json.dumps) | ANYTHING.map(json.dumps) | st.text(max_size=40)

    def _fits(self, schema: Schema, depth: int) -> st.SearchStrategy[Any]:
        """What the schema describes, more or less: what it says of formats is not heeded."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._fits(self.document["components"]["schemas"][name], depth + 1)
        for many in ("anyOf", "oneOf"):
            if many in schema:
                return st.one_of([self._fits(one, depth) for one in schema[many]])
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        match schema.get("type"):
            case "string" if "pattern" in schema:
                return st.from_regex(schema["pattern"], fullmatch=True)
            case "string":
                return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 40), 40))
            case "integer":
                return st.integers(int(schema.get("minimum", -(2**64))), int(schema.get("maximum", 2**64)))
            case "number":
                return st.floats(allow_nan=False, allow_infinity=False)
            case "boolean":
                return st.booleans()
            case "null":
                return st.none()
            case "array" if depth < 6:
                items = self._fits(schema.get("items", {}), depth + 1)
                return st.lists(items, min_size=schema.get("minItems", 0), max_size=3)
            case "array":
                return st.just([])
            case "object":
                return self._objects(schema, depth)
            case _:
                return ANYTHING

    def _objects(self, schema: Schema, depth: int) -> st.SearchStrategy[Any]:
        fields = {name: self._fits(one, depth + 1) for name, one in schema.get("properties", {}).items()}
        if not fields:
            return st.dictionaries(st.text(max_size=10), ANYTHING, max_size=3)
        needed = {name: one for name, one in fields.items() if name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional={name: one for name, one in fields.items() if name not in needed})

    def check(self, status: int, content_type: str, body: str) -> None:
        """Raise where the document describes no such answer."""
        assert str(status) in self.how["responses"], f"{self.name} answers {status}, which nobody has described"
        if status >= 400:
            assert content_type == "application/problem+json", content_type
            problem = json.loads(body)
            self._validate({"$ref": "#/components/schemas/Problem"}, problem)
            assert problem["status"] == status
            return
        schema = self.how["responses"][str(status)]["content"]["application/json"]["schema"]
        assert content_type == "application/json", content_type
        self._validate(schema, json.loads(body))

    def _validate(self, schema: Schema, value: Any) -> None:
        Draft202012Validator({**schema, "components": self.document["components"]}).validate(value)


@dataclass(frozen=True)
class Request:
    """A request to an operation; its body in base64 as gateways write it, perhaps with a mistake."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    encoded: str = "plain"

    @property
    def address(self) -> str:
        found = self.operation.path
        for name, value in self.path.items():
            found = found.replace("{" + name + "}", value)
        return found

    @property
    def sent(self) -> str | None:
        if self.body is None or self.encoded == "plain":
            return self.body
        text = base64.b64encode(self.body.encode("utf-8", "surrogatepass")).decode()
        return text if self.encoded == "base64" else f"{text[:-1]}!"


def operations_of(document: Schema) -> Iterator[Operation]:
    """Every way to ask, in the document's order."""
    for path, item in document["paths"].items():
        for method, how in item.items():
            yield Operation(document, method.upper(), path, how)


def _some(pairs: list[st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, str]]:
    """Some of these names with their values."""
    if not pairs:
        return st.just({})
    return st.lists(st.one_of(pairs), max_size=3).map(dict)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
