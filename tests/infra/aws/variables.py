"""The environment that template.yaml gives a function, once its resources have names."""

import re
from collections.abc import Mapping
from typing import Any

from tests.infra.aws.templates import properties, template

PART = re.compile(r"\$\{([\w.:]+)\}")


def variables(function: str, values: Mapping[str, str]) -> dict[str, str]:
    """`values` are what references stand for ("Table", "SigningSecret.Id", "AWS::Region"), and conditions.

    Parameters without one have their defaults. Raises `KeyError` for what has neither.
    """
    named = {**template()["Globals"]["Function"]["Environment"]["Variables"]}
    named |= properties(function).get("Environment", {}).get("Variables", {})
    known = {name: str(body["Default"]) for name, body in template()["Parameters"].items() if "Default" in body}
    return {name: _value(node, {**known, **values}) for name, node in named.items()}


def _value(node: Any, values: Mapping[str, str]) -> str:
    match node:
        case {"Ref": str(name)}:
            return values[name]
        case {"Fn::GetAtt": [*path]}:
            return values[".".join(path)]
        case {"Fn::Sub": str(text)}:
            return PART.sub(lambda found: values[found[1]], text)
        case {"Fn::Join": [str(between), {"Ref": str(name)}]}:
            return between.join(values[name].split(","))
        case {"Fn::If": [str(condition), one, other]}:
            return _value(one if values[condition] else other, values)
        case str() | int():
            return str(node)
        case _:
            raise TypeError(f"no value is known for {node}")
