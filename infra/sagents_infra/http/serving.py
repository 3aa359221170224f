"""Serves the API on loopback, with a token that is ready, or to everybody on this machine."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from sagents.errors import SagentsError
from sagents_infra.http.handler import Door, office_of
from sagents_infra.http.identity import SCOPES
from sagents_infra.http.local import LocalServer
from sagents_infra.http.office import Office, Runner
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.origins import Origins
from sagents_infra.http.tokens import LocalIssuer
from sagents_infra.sockets.local import LocalSockets

T = TypeVar("T")
HOST = "127.0.0.1"
ANYBODY = {"sub": "dev", "scope": " ".join(SCOPES)}
"""Who everybody is where no tokens are asked for."""


class Here:
    """The event loop of this thread, for the threads beside it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """It is not ours."""


@dataclass(frozen=True)
class Serving:
    """A server to be run. `issuer` None lets everybody in."""

    issuer: LocalIssuer | None
    options: HttpOptions
    made: Callable[[HttpOptions, Runner], Office] = office_of

    async def run(self, listening: socket.socket, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set."""
        office = self.made(self.options, Here())
        origins = Origins(self.options.pages)
        checked = partial(origins.check, anybody=self.issuer is None)
        sockets = LocalSockets(office, self.options, checked, None if self.issuer else ANYBODY)
        verifier = self.issuer.verifier if self.issuer else None
        app = LocalServer(Door(office, self.options), verifier, ANYBODY, sockets, origins)
        told: dict[str, Any] = {"log_config": None, "log_level": "warning", "access_log": False}
        server = Quiet(uvicorn.Config(app, lifespan="off", server_header=False, **told))
        running = asyncio.create_task(server.serve([listening]))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        server.should_exit = True
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(running), 2)
        server.force_exit = True  # streams do not end by themselves
        await running
        app.close()
        office.close()


class Quiet(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(port: int, *, or_any: bool = False) -> socket.socket:
    """A socket on loopback; with `or_any` another port where this one is busy. Raises `SagentsError` where it is."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen(1024)  # who comes before the server does waits
    except OSError as error:
        found.close()
        if or_any and port:
            return listen(0)
        raise SagentsError(f"Port {port} is busy ({error.strerror}); choose another one, 0 takes any.") from error
    return found


def local_issuer(home: Path) -> LocalIssuer:
    """The issuer of this folder, whose key is a file that only its owner may read; made by whoever comes first."""
    path = home / "http.key"
    home.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        draft = home / f".http.key.{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return LocalIssuer(bytes.fromhex(path.read_text()))
