"""What the command says before it reaches any agent."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sagents_infra.dev_server import free_port
from tests.infra.cli.conftest import Run

TELLING = ["start", "send", "execute", "resume", "cancel", "stop"]
ASKING = ["watch", "status", "info", "state", "ls", "count"]
LIVING = ["touch", "reset", "export", "import", "delete", "join", "leave"]
COMMANDS = ["init", "dev", "worker", "serve", "token", "chat", *TELLING, *ASKING, *LIVING]
APPROVALS = ["ls", "show", "approve", "reject", "edit", "respond", "claim", "log", "verify", "rules ls", "rules revoke"]


def test_help_names_every_command(sagents: Run) -> None:
    listed = sagents("--help").stdout
    assert [name for name in COMMANDS if f"  {name} " not in listed] == []
    assert "  approvals " in listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(sagents: Run, command: str) -> None:
    result = sagents(command, "--help")
    assert result.exit_code == 0
    assert ("--json" in result.stdout) == (command not in ("dev", "worker", "serve"))


@pytest.mark.parametrize("command", APPROVALS)
def test_every_command_about_approvals_explains_itself(sagents: Run, command: str) -> None:
    result = sagents("approvals", *command.split(), "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_help_is_quick_because_nothing_else_is_imported() -> None:
    heavy = "{'temporalio', 'pydantic', 'sagents', 'rich.console', 'structlog'}"
    code = f"import sys, sagents_infra.cli.app; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "typed",
    [
        ["status"],
        ["status", "a", "-c", "1"],
        ["send", "a"],
        ["send", "-c", "1"],
        ["resume", "a"],
        ["resume", "a", "maybe"],
        ["resume", "a", "edit", "{"],
        ["resume", "a", "approve", "reject", "--all"],
        ["start", "helper", "--option", "language"],
        ["start", "helper", "--scope", "project"],
        ["execute", "a", "--max-runs", "0"],
        ["status", "no such id"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_a_slip_of_the_tongue_is_exit_code_2(sagents: Run, temporal: str, typed: list[str]) -> None:
    result = sagents(*typed)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "typed", [["status", "a"], ["ls"], ["send", "a", "hi"], ["chat"], ["watch", "a"]], ids=" ".join
)
def test_temporal_out_of_reach_is_exit_code_4_and_never_an_absent_agent(
    sagents: Run, monkeypatch: pytest.MonkeyPatch, typed: list[str]
) -> None:
    """E-58."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    result = sagents(*typed)
    assert result.exit_code == 4
    assert "does not answer" in result.stderr
    assert "sagents dev" in result.stderr


def test_errors_are_json_for_programs(sagents: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    result = sagents("status", "a", "--json")
    assert json.loads(result.stderr)["error"]["type"] == "CannotAnswer"
    assert result.stdout == ""


def test_no_app_says_what_was_looked_for(sagents: Run, home: Path) -> None:
    result = sagents("dev")
    assert result.exit_code == 2
    for looked_for in ("SAGENTS_APP", "app.py", "agents.py", "main.py", str(home), "sagents init"):
        assert looked_for in result.stderr


def test_a_busy_port_says_which_and_what_to_do(sagents: Run, home: Path) -> None:
    (home / "app.py").write_text("from sagents import Sagents\napp = Sagents()\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = sagents("dev", "--port", str(port))
    assert result.exit_code == 1
    assert f"Port {port} is busy" in result.stderr
    assert "--port" in result.stderr
    assert "sagents worker" in result.stderr


@pytest.fixture
def temporal(temporal_server: object, monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    """A Temporal that answers."""
    from sagents_infra.dev_server import DevServer

    assert isinstance(temporal_server, DevServer)
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    return temporal_server.address
