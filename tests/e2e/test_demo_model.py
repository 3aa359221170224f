"""`make demo MODEL=anthropic:…` does the main job over the provider's own protocol, spoken by a server of others."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagents_infra.demo.checking import TASK
from tests.e2e.test_demo import perform

LLMOCK = Path(__file__).resolve().parents[2] / "node_modules/.bin/llmock"
REPORT = "# Sales\n\nnorth.csv 510, south.csv 375, west.csv 660, together 1545\n"
TURNS: list[dict[str, Any]] = [
    {"content": "Let me see.", "toolCalls": [{"name": "list_files", "arguments": {}}]},
    {
        "toolCalls": [
            {"name": "add_up", "arguments": {"file": f"{region}.csv"}} for region in ("north", "south", "west")
        ]
    },
    {"toolCalls": [{"name": "write_report", "arguments": {"text": REPORT}}]},
    {"toolCalls": [{"name": "publish", "arguments": {"file": "report.md"}}]},
    {"content": "The report is published."},
]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[str]:
    """The address of a server that answers as Anthropic does."""
    if not LLMOCK.exists() or shutil.which("node") is None:
        pytest.fail("This test asks a real server on Node; `make test` installs both.")
    fixtures, log = tmp_path / "turns.json", tmp_path / "llmock.log"
    turns = [{"match": {"userMessage": TASK, "turnIndex": n}, "response": turn} for n, turn in enumerate(TURNS)]
    fixtures.write_text(json.dumps({"fixtures": turns}))
    with log.open("w") as out:
        command = [str(LLMOCK), "--port", "0", "--fixtures", str(fixtures)]
        server = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 90
        while not (found := re.search(r"listening on (http://\S+)", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield found.group(1)
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.mark.timeout(180)
def test_the_main_job_is_done_by_a_provider_too(tmp_path: Path, provider: str) -> None:
    more = {"MODEL": "anthropic:claude-test", "ANTHROPIC_BASE_URL": provider, "ANTHROPIC_API_KEY": "made-up"}
    done = perform(tmp_path, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The report is published." in done.stdout
    assert "✓ the killed worker's calls ran again" in done.stdout
