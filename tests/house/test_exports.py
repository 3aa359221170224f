"""An `__init__.py` lists the public names of its package, sorted."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["sagents", "workflows/sagents_workflows", "activities/sagents_activities", "infra/sagents_infra"]
INITS = [path.relative_to(ROOT) for package in PACKAGES for path in sorted((ROOT / package).rglob("__init__.py"))]


def exported(source: str) -> list[str] | None:
    """What a module assigns to `__all__`; None if it does not."""
    for node in ast.parse(source).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                return list(ast.literal_eval(value))
            case _:
                pass
    return None


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by the alphabet: the order that ruff's RUF022 writes."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


@pytest.mark.parametrize("init", INITS, ids=str)
def test_public_names_are_sorted(init: Path) -> None:
    names = exported((ROOT / init).read_text(encoding="utf-8"))
    assert names is None or names == sorted(set(names), key=order)


def test_the_core_lists_its_public_names() -> None:
    assert exported((ROOT / "sagents/__init__.py").read_text(encoding="utf-8"))
