"""Every event that is told has a model, and docs/events.md shows it (B-101, B-102, L-4, L-22, L-35, L-43)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagents.event_types import EVENT_TYPES, MODELS
from sagents.events import EventData
from tools.events_doc import BLOCK, EXAMPLES, PAGE, block

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["sagents", "workflows/sagents_workflows", "activities/sagents_activities"]
TELLING = {"emit", "tell", "_tell", "above", "Bulletin", "Event"}


def told() -> Iterator[str]:
    """The types that our sources name where they tell an event; of `f"approval.{kind}"` what stands before the kind."""
    for package in PACKAGES:
        for module in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in TELLING:
                    yield from _types(node)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _types(call: ast.Call) -> Iterator[str]:
    """The texts that may be an event's type: first arguments and `type=`, also both sides of an `if`."""
    first = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "type")]
    for node in (node for argument in first for node in ast.walk(argument)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_type(node.value):
            yield node.value


def _is_type(text: str) -> bool:
    """Observers are told by `on_…`; what has spaces is a line for people."""
    return not text.startswith("on_") and text.removesuffix(".").replace("_", "").isalpha()


def test_every_type_that_is_told_has_a_model() -> None:
    known = {*EVENT_TYPES, *(f"{name.split('.')[0]}." for name in EVENT_TYPES if "." in name)}
    assert sorted(set(told()) - known) == []


def test_every_model_is_of_a_type_that_is_told() -> None:
    """Some are named apart from where they are told; none is only in the models."""
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    texts = {path: path.read_text(encoding="utf-8") for path in sources if not path.name.startswith("event_types")}
    missing = [
        m.type for m in MODELS if not any(f'"{m.type}' in text for text in texts.values()) and m.type != "approval"
    ]
    assert missing == []


def test_the_page_is_what_the_models_say() -> None:
    """`python -m tools.events_doc` writes it."""
    assert BLOCK.findall(PAGE.read_text(encoding="utf-8")) == [block()]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.type)
def test_an_example_is_what_its_model_says(model: type[EventData]) -> None:
    example = model.model_validate(EXAMPLES[model.type])
    assert example.model_dump(mode="json") == model.model_validate_json(example.model_dump_json()).model_dump(
        mode="json"
    )
    assert not example.model_extra or model.type == "middleware_action"


def test_there_is_an_example_of_each_and_of_nothing_else() -> None:
    assert sorted(EXAMPLES) == sorted(model.type for model in MODELS)
