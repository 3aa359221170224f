"""Servers that speak DynamoDB's protocol on loopback: moto's, or AWS's own DynamoDB Local.

`SAGENTS_DYNAMODB_LOCAL` names the folder of AWS's `DynamoDBLocal.jar` (the npm package `amplify-dynamodb-simulator` has
it in `emulator`); then the suite runs against it, on the machine's Java.
"""

import os
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models.table import Table as MotoTable

from tests.support.aws import KEYS, aws_peer

LOCAL = "SAGENTS_DYNAMODB_LOCAL"


def serve() -> Iterator[str]:
    """The address of a server while it runs."""
    folder = os.environ.get(LOCAL)
    return _dynamodb_local(Path(folder)) if folder else _moto()


@contextmanager
def credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield


def _moto() -> Iterator[str]:
    """For the case that a transaction fails moto copies the whole table, once per item.

    It may keep the rows, which nobody changes in place.
    """
    with pytest.MonkeyPatch.context() as patch, aws_peer() as url:
        patch.setattr(MotoTable, "__deepcopy__", _copied, raising=False)
        yield url


def _copied(table: Any, _: Any) -> Any:
    copied = copy(table)
    copied.items = defaultdict(dict, {key: dict(rows) for key, rows in table.items.items()})
    return copied


def _dynamodb_local(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["java", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory"]
    server = subprocess.Popen([*command, "-port", str(port)], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"DynamoDB Local did not listen on port {port}")
