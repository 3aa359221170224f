"""`sagents build-id` and `sagents deploy-worker`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sagents_infra.dev_server import DevServer
from tests.infra.cli.conftest import Run


def build(folder: Path) -> Path:
    (folder / "pkg").mkdir(parents=True)
    (folder / "app.py").write_text("app = 1")
    (folder / "pkg/tool.py").write_text("tool = 1")
    return folder


def change(folder: Path) -> None:
    (folder / "pkg/tool.py").write_text("tool = 2")


def rename(folder: Path) -> None:
    (folder / "pkg/tool.py").rename(folder / "pkg/tools.py")


def compile_it(folder: Path) -> None:
    (folder / "pkg/__pycache__").mkdir()
    (folder / "pkg/__pycache__/tool.cpython-313.pyc").write_bytes(b"...")


@pytest.mark.parametrize(("touch", "is_same"), [(change, False), (rename, False), (compile_it, True)])
def test_build_id_is_what_the_files_of_a_build_are_and_nothing_else(
    sagents: Run, tmp_path: Path, touch: Callable[[Path], None], is_same: bool
) -> None:
    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    touch(second)
    ids = [json.loads(sagents("build-id", str(folder), "--json").stdout)["build_id"] for folder in (first, second)]
    assert (ids[0] == ids[1]) is is_same


def test_folder_that_is_not_there_is_named(sagents: Run, tmp_path: Path) -> None:
    refused = sagents("build-id", str(tmp_path / "none"))
    assert refused.exit_code == 2
    assert "none is no folder" in refused.stderr


@pytest.mark.parametrize("half", [["--function", "arn:f"], ["--role", "arn:r", "--external-id", "word"]])
def test_function_without_its_role_is_refused_before_anything_is_done(sagents: Run, half: list[str]) -> None:
    refused = sagents("deploy-worker", "--build-id", "b1", *half)
    assert refused.exit_code == 2
    assert "belong together" in refused.stderr


def test_without_a_version_nothing_is_deployed(sagents: Run) -> None:
    refused = sagents("deploy-worker")
    assert refused.exit_code == 2
    assert "SAGENTS_BUILD_ID" in refused.stderr


def test_version_that_nobody_works_for_does_not_become_current(
    sagents: Run, temporal_server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    refused = sagents("deploy-worker", "--deployment", "lonely", "--build-id", "b1", "--wait", "0")
    assert refused.exit_code == 1
    assert "Start one with SAGENTS_BUILD_ID=b1" in refused.stderr
