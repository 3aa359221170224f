"""The tree of errors that the top of `sagents/errors.py` draws is the one that there is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["sagents", "workflows/sagents_workflows", "activities/sagents_activities", "infra/sagents_infra"]
LINE = re.compile(r"[│ ]*[├└]── (\w+(?: · \w+)*)")


def test_the_tree_shows_every_error_under_the_one_it_is_made_of() -> None:
    bases = dict(classes())
    made = {name: base for name, base in bases.items() if base and "SagentsError" in ancestors(name, bases)}
    assert dict(drawn()) == made


def classes() -> Iterator[tuple[str, str]]:
    """Every class of the product and the first one that it is made of."""
    for package in PACKAGES:
        for module in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    yield node.name, ast.unparse(node.bases[0]) if node.bases else ""


def ancestors(name: str, bases: dict[str, str]) -> list[str]:
    base = bases.get(name)
    return [base, *ancestors(base, bases)] if base else []


def drawn() -> Iterator[tuple[str, str]]:
    """Each error of the drawing and the one above it; names with dots between stand beside each other."""
    text = ast.get_docstring(ast.parse((ROOT / "sagents/errors.py").read_text(encoding="utf-8"))) or ""
    root, *lines = text.split("\n\n")[1].splitlines()
    above = {0: root}
    for line in lines:
        depth = line.index("── ") // 4 + 1
        found = LINE.match(line)
        assert found, line
        for name in found[1].split(" · "):
            above[depth] = name
            yield name, above[depth - 1]
