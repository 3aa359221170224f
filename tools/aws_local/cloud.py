"""AWS on loopback: ministack, with IAM enforced, in a venv of the functions' own Python."""

import os
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3

from sagents_infra import children
from sagents_infra.dev_server import free_port
from tools.aws import tool
from tools.aws_local.working import last_words, wait
from tools.set_up import Failed

REGION = "eu-central-1"
ACCOUNT = "000000000000"
AT_ONCE = 10
"""How many functions run at once in this account: each is a process, with its package unpacked. More are 429."""

LEAVING = 10.0
"""Seconds for functions to end by themselves."""


@dataclass(frozen=True)
class Cloud:
    url: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """How SDKs come here, as the root of the account, and to no other account of whoever runs this."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """boto3's, as the root of the account."""
        root = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **root)


@contextmanager
def cloud(folder: Path, minor: str, python: str) -> Iterator[Cloud]:
    """An empty account, for as long as this lasts."""
    command = str(tool(f"ministack-{minor}", "python", python))
    state = folder / "ministack"
    _clear(state)
    state.mkdir(parents=True)
    port, log = free_port(), folder / "ministack.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            children.tied([command, "-m", "ministack"]),
            env=_environment(state, port),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # so that the functions which it starts can be ended with it
        )
    found = Cloud(f"http://127.0.0.1:{port}", log)
    try:
        wait(lambda: _is_up(found, process), "ministack", 60)
        yield found
    finally:
        _end(process)


def _clear(state: Path) -> None:
    """Remove what was left, beside the work: unpacked functions are tens of thousands of files."""
    if state.exists():
        state.rename(state.with_name(f"old-{uuid4().hex}"))
    for old in state.parent.glob("old-*"):
        threading.Thread(target=shutil.rmtree, args=(old, True), name="clearing", daemon=True).start()


def _environment(state: Path, port: int) -> dict[str, str]:
    """Nothing of ours: functions get what ministack has, as if it were their own."""
    return {
        "PATH": os.defpath,
        "HOME": str(state),
        "TMPDIR": str(state),
        "STATE_DIR": str(state),
        "S3_DATA_DIR": str(state / "s3"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(AT_ONCE),
        "IOT_MTLS_ENABLED": "0",  # ports of their own, which two runs could not share
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _is_up(found: Cloud, process: "subprocess.Popen[bytes]") -> bool:
    if process.poll() is not None:
        raise Failed(f"ministack did not start; {found.log} ends with:\n{last_words(found.log)}")
    with suppress(OSError), urllib.request.urlopen(f"{found.url}/_ministack/health", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=LEAVING)
