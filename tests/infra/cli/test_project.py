"""`sagents init`: B-126."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.infra.cli.conftest import Run


def test_a_project_is_two_files(sagents: Run, home: Path) -> None:
    """B-126."""
    result = sagents("init", "shop")
    assert result.exit_code == 0
    assert sorted(path.name for path in (home / "shop").iterdir()) == ["README.md", "app.py"]
    assert "cd shop && sagents dev" in result.stdout


def test_it_works_at_once_without_any_key(sagents: Run, home: Path) -> None:
    """B-126: the agent answers in-process too, as its first taste."""
    sagents("init")
    code = """
import asyncio
from app import app
from sagents import AgentRequest
from sagents.plan import AgentRef
agent = asyncio.run(app.make(AgentRef(name="helper")))
print(asyncio.run(agent.execute("how many words are these")).unwrap().text)
"""
    environment = {name: value for name, value in os.environ.items() if name != "MODEL"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True, check=True
    )
    assert "word_count says: 5" in done.stdout


def test_what_is_there_is_never_overwritten(sagents: Run, home: Path) -> None:
    (home / "app.py").write_text("mine")
    result = sagents("init")
    assert result.exit_code == 1
    assert "app.py exist" in result.stderr
    assert (home / "app.py").read_text() == "mine"
    assert not (home / "README.md").exists()


def test_programs_read_what_was_made(sagents: Run) -> None:
    assert json.loads(sagents("init", "shop", "--json").stdout) == {"files": ["shop/app.py", "shop/README.md"]}


def test_a_folder_that_cannot_be_written_is_a_clear_error(sagents: Run, home: Path) -> None:
    (home / "file").write_text("")
    result = sagents("init", "file/shop")
    assert result.exit_code == 1
    assert "could not be written" in result.stderr
