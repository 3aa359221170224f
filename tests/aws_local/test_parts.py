"""What `make aws-local` is made of, each part by itself; the whole of it needs minutes."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.infra.aws.templates import template
from tools.aws_local import pythons, stack
from tools.aws_local.cloud import Cloud
from tools.aws_local.notices import Notices
from tools.aws_local.working import run, wait
from tools.set_up import Failed


def command(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_python_that_is_on_the_path_but_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    command(tmp_path, "python3.99", "exit 127")
    command(tmp_path, f"python{here}", f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    monkeypatch.setattr(pythons, "MINORS", ("3.99", here))
    minor, python = pythons.python_of_functions()
    assert minor == here
    assert Path(python).exists()


def test_runtimes_that_are_looked_for_are_those_of_the_template() -> None:
    allowed = template()["Parameters"]["Runtime"]["AllowedValues"]
    assert {f"python{minor}" for minor in pythons.MINORS} == set(allowed)


def test_machine_without_a_python_is_told_which_would_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed, match=r"None of python3\.13, python3\.12, python3\.11 on the PATH runs"):
        pythons.python_of_functions()


def test_apis_are_reached_by_paths_on_loopback() -> None:
    outputs = {
        "HttpApiUrl": "http://0a1b2c3d.execute-api.localhost:4566",
        "SocketUrl": "ws://4e5f6a7b.execute-api.localhost:4566/live",
    }
    cloud = Cloud("http://127.0.0.1:4566", Path("log"))
    deployed = stack.Stack(outputs, cloud, Notices(cloud, "queue"))
    assert deployed.api == "http://127.0.0.1:4566/_aws/execute-api/0a1b2c3d/$default"
    assert deployed.sockets == "ws://127.0.0.1:4566/_aws/execute-api/4e5f6a7b/live"


def test_values_that_are_deployed_are_parameters_of_the_template() -> None:
    values = stack.values_of(
        "b1", Cloud("http://127.0.0.1:4566", Path("log")), "3.13", "127.0.0.1:7233", "http://issuer"
    )
    parameters = template()["Parameters"]
    assert set(values) <= set(parameters)
    assert {name for name, one in parameters.items() if "Default" not in one} <= set(values)


def test_sdks_of_what_is_started_reach_no_account_of_whoever_starts_it() -> None:
    environment = Cloud("http://127.0.0.1:4566", Path("log")).environment
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_command_that_fails_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(Failed, match="the table is on fire"):
        run(log, sys.executable, "-c", "raise SystemExit('the table is on fire')", env=os.environ, cwd=tmp_path)


def test_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    asleep = "import time; time.sleep(600)"
    with pytest.raises(Failed, match="not done after 0 s"):
        run(tmp_path / "log", sys.executable, "-c", asleep, env=os.environ, cwd=tmp_path, patience=0)


def test_wait_ends_when_it_is_so() -> None:
    answers = iter([False, False, True])
    wait(lambda: next(answers), "it", patience=5, pause=0)
