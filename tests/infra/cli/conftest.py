"""Commands in this process, in a folder of their own."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import temporalio.worker  # noqa: F401 # here, once: `home` forgets what a test imports, and native parts die of a second time
from typer.testing import CliRunner, Result

from sagents_infra.cli.app import app

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to be in, and an environment that leads nowhere in particular."""
    monkeypatch.chdir(tmp_path)
    with patch.dict(os.environ), patch.object(sys, "path", list(sys.path)), patch.dict(sys.modules):
        for name in [name for name in os.environ if name.startswith(("SAGENTS_", "TEMPORAL_"))]:
            del os.environ[name]
        for name in ("app", "agents", "main"):
            sys.modules.pop(name, None)
        yield tmp_path


@pytest.fixture
def sagents(home: Path) -> Run:
    """`sagents("status", "a")` as a person would type it; its result has `exit_code`, `stdout` and `stderr`."""

    def run(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=input)

    return run
