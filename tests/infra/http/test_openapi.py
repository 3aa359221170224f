"""The document that describes the API says what is so."""

import inspect
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from sagents_infra.http import models, models_conversations, models_interrupts, problems
from sagents_infra.http.api import api
from sagents_infra.http.description import written
from sagents_infra.http.problems import TYPES
from sagents_infra.http.resolver import Resolver, scopes_of
from sagents_infra.http.table import ADDRESSES
from tests.infra.http.asking import Front

MODELS = [
    value
    for module in (models, models_conversations, models_interrupts, problems)
    for value in vars(module).values()
    if inspect.isclass(value) and issubclass(value, BaseModel) and value.__module__ == module.__name__
]


@pytest.fixture
def document(front: Front) -> Any:
    api.cache_clear()
    written.cache_clear()
    front.ask_now("GET", "/interrupts", who=None)  # what is loaded first is described in its place all the same
    answer = front.ask_now("GET", "/openapi.json", who=None)
    assert answer.headers["Content-Type"] == "application/json"
    return json.loads(answer.body)


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(method.upper(), path, how) for path, item in document["paths"].items() for method, how in item.items()]


def test_every_route_is_described_with_its_scope_and_its_problems(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert [*document["paths"]] == sorted(document["paths"])
    described = {(method, path): how for method, path, how in operations(document)}
    for method, path, scope, _ in ADDRESSES:
        if path == "/openapi.json":
            continue
        how = described[method, path]
        assert how["summary"]
        assert [found for one in how.get("security", []) for found in one["jwt"]] == ([scope] if scope else [])
        problems_of = {status: answer for status, answer in how["responses"].items() if int(status) >= 400}
        assert "503" in problems_of
        for answer in problems_of.values():
            assert set(answer["content"]) == {"application/problem+json"}
            assert TYPES in answer["description"] or path == "/health"
    assert len({how["operationId"] for how in described.values()}) == len(described) == len(ADDRESSES) - 1


def test_references_lead_somewhere(document: Any) -> None:
    text = json.dumps(document)
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= document["components"]["schemas"].keys()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_examples_are_what_they_are_examples_of(model: type[BaseModel], document: Any) -> None:
    example = (model.model_config.get("json_schema_extra") or {}).get("example")  # type: ignore[union-attr]
    if example is None:
        assert model is problems.Mistake
        return
    model.model_validate(example)
    schemas = document["components"]["schemas"]
    resolvable = {"$ref": f"#/components/schemas/{model.__name__}", "components": {"schemas": schemas}}
    Draft202012Validator(resolvable).validate(example)


def test_table_says_what_the_modules_of_its_routes_declare() -> None:
    declared = set()
    for module in {address.module for address in ADDRESSES}:
        app = Resolver()
        app.add(module)
        for route in (*app._static_routes, *app._dynamic_routes):
            declared.add((route.method, route.openapi_path, next(iter(scopes_of(route)), None), module))
    assert declared == {*ADDRESSES}
    assert [*ADDRESSES] == sorted(ADDRESSES, key=lambda address: (address.path, address.method))


def test_threads_that_ask_first_for_different_routes_all_find_theirs() -> None:
    app = Resolver()
    paths = {address.path: address for address in ADDRESSES}
    with ThreadPoolExecutor(8) as threads:
        [*threads.map(app.add, [address.module for address in paths.values()])]
    there = {(route.method, route.openapi_path) for route in (*app._static_routes, *app._dynamic_routes)}
    assert there == {(address.method, address.path) for address in ADDRESSES}
    assert len(app._static_routes) + len(app._dynamic_routes) == len(there)
