"""The folders that `sam build` packs: this project's packages, and the packages that its tests ran with."""

import re
import tomllib
from typing import Any

import pytest

from tests.infra.aws.templates import (
    ROOT,
)


@pytest.mark.parametrize("folder", ["doors", "worker"])
def test_built_folders_hold_the_packages_as_they_are_and_announce_what_the_project_announces(folder: str) -> None:
    place = ROOT / "deploy" / folder
    packages = {"sagents", "sagents_activities", "sagents_infra"} | (
        {"sagents_workflows"} if folder == "worker" else set()
    )
    linked = {path.name: path.resolve() for path in place.iterdir() if path.is_symlink()}
    assert {name for name in linked if not name.endswith(".dist-info")} == packages
    assert all((path / "__init__.py").exists() for name, path in linked.items() if name in packages)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = (linked["sagents.dist-info"] / "METADATA").read_text(encoding="utf-8")
    assert f"Version: {project['version']}\n" in metadata
    announced = (linked["sagents.dist-info"] / "entry_points.txt").read_text(encoding="utf-8")
    for group in ("sagents.models", "sagents.tool_servers", "sagents.wiring"):
        ((name, place_of),) = project["entry-points"][group].items()
        assert f"[{group}]\n{name} = {place_of}\n" in announced


@pytest.mark.parametrize("folder", ["doors", "worker"])
def test_built_folders_take_the_versions_that_tests_ran_with(folder: str) -> None:
    ours, deployed = pins(ROOT / "requirements.lock"), pins(ROOT / "deploy" / folder / "requirements.txt")
    assert deployed.items() <= ours.items()
    models = {"pydantic-ai-slim", "anthropic", "openai", "google-genai"}
    assert not (models & set(deployed)) if folder == "doors" else models & set(deployed)


def pins(path: Any) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))
