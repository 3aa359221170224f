"""The template, as tests read it: `template.yaml`, or with SAGENTS_TEMPLATE what SAM makes of it."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
Node = dict[str, Any]

FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # yaml ships no types
    """Reads CloudFormation's short forms: `!Ref x` is {"Ref": "x"}."""


def _short_form(loader: Any, suffix: str, node: Any) -> Node:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


@cache
def template() -> Node:
    path = Path(os.environ.get("SAGENTS_TEMPLATE") or ROOT / "template.yaml")
    text = path.read_text(encoding="utf-8")
    loaded: Node = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Loader)
    return loaded


def resources(*types: str) -> dict[str, Node]:
    """All resources of these types, by their names."""
    return {name: body for name, body in template()["Resources"].items() if body["Type"] in types}


def properties(name: str) -> Node:
    found: Node = template()["Resources"][name]["Properties"]
    return found


def names_in(node: Any) -> set[str]:
    """Every resource or parameter that is named somewhere in here."""
    return set(_names(node))


def _names(node: Any) -> Iterator[str]:
    match node:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from (part.split("}")[0].split(".")[0] for part in text.split("${")[1:])
        case dict():
            for value in node.values():
                yield from _names(value)
        case list():
            for value in node:
                yield from _names(value)
        case _:
            return


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(policy: Node) -> list[Node]:
    """The statements of a policy; what stands under a condition counts as if it held."""
    return [entry["Fn::If"][1] if "Fn::If" in entry else entry for entry in as_list(policy["Statement"])]


def rights(role: str) -> list[Node]:
    """What a role may do."""
    return [found for policy in properties(role).get("Policies", []) for found in statements(policy["PolicyDocument"])]


NAMES = sorted(resources(*FUNCTIONS))
ROLES = sorted(name for name in resources("AWS::IAM::Role") if name != "CodeDeployServiceRole")
IS_PROCESSED = bool(resources("AWS::Lambda::Function"))
STAGE = Path(os.environ.get("SAGENTS_TEMPLATE", "")).stem.partition("-")[2]
"""What it was processed for: `dev`, `prod`, or nothing."""
