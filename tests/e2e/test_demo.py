"""`make demo` does what it says, and says so only if it is true."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.house import environment

DEMO = (sys.executable, "-m", "sagents_infra.demo")


@pytest.mark.timeout(180)
def test_the_main_job_is_done_over_a_killed_worker_and_an_approval(tmp_path: Path) -> None:
    done = subprocess.run(
        DEMO, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for part in (
        "SIGKILL to process",
        "worker 2 started",
        "$ temporal workflow signal --workflow-id demo --name resume",
        "The conversation, as the agent knows it",
        "✓ the killed worker's calls ran again",
        "✓ and took effect once (3 entries)",
        "✓ the model was asked once for each of its 7 replies",
        "history ",
        "web ui   http://127.0.0.1:",
    ):
        assert part in done.stdout
    assert "NOT TRUE" not in done.stdout
    assert (tmp_path / ".sagents/demo/desk/published/report.md").exists()


@pytest.mark.timeout(180)
def test_a_model_that_does_not_do_the_job_is_a_failed_demo(tmp_path: Path) -> None:
    done = perform(tmp_path, MODEL="offline")
    assert done.returncode == 1
    assert "✗ NOT TRUE: the report is published" in done.stdout


def perform(folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    given = {**environment(), "MODEL": "", **more}
    return subprocess.run(DEMO, cwd=folder, env=given, capture_output=True, text=True, timeout=150, check=False)
