"""`sagents dev`: what has to be right before the dev server, the worker and the HTTP API start."""

import asyncio
import shutil
import socket
from pathlib import Path
from typing import NamedTuple

from sagents import SagentsError
from sagents_infra.cli import places, reload
from sagents_infra.cli.supervising import Dev
from sagents_infra.dev_server import free_port, temporal_cli
from sagents_infra.settings import Settings

DATABASES = ("temporal.db", "store.db", "channel.db", "presence.db", "connections.db", "links.db")


class Ports(NamedTuple):
    """Where Temporal, its Web UI (None: beside it) and the HTTP API (0: nowhere) listen."""

    temporal: int
    ui: int | None
    http: int


def dev(spec: str, ports: Ports, *, reloading: bool, reset: bool) -> int:
    """Run until Ctrl-C; the exit code."""
    settings = Settings()
    spec = spec or settings.app
    places.look_for_app(spec)
    temporal_cli()
    if reloading:
        reload.check_installed()
    with places.only_one(settings.home):
        port = ports.temporal
        check_free(port, "--port")
        if ports.ui is not None:
            check_free(ports.ui, "--ui-port")
        ui_port = ports.ui or (port + 1000 if is_free(port + 1000) else free_port())
        _prepare(settings.home, reset)
        _prepare_table(settings.store)
        return asyncio.run(Dev(settings.home, spec, port, ui_port, ports.http, reloading).run())


def check_free(port: int, option: str) -> None:
    """Raises where somebody listens on a port already, and says what to do."""
    if not is_free(port):
        raise SagentsError(
            f"Port {port} is busy: another Temporal or `sagents dev` listens there. End it, or choose another port "
            f"(`sagents dev {option} {port + 10}`); to use that Temporal, run `sagents worker`."
        )


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _prepare_table(store: str) -> None:
    if store.startswith("dynamodb://"):
        from sagents_infra.stores.dynamodb_address import make_local_table  # boto3 only for who asks for it

        make_local_table(store)


def _prepare(home: Path, reset: bool) -> None:
    """A folder that git leaves alone; with `reset`, without anything that agents knew."""
    (home / ".gitignore").write_text("*\n")
    if not reset:
        return
    for name in DATABASES:
        for suffix in ("", "-wal", "-shm"):
            (home / f"{name}{suffix}").unlink(missing_ok=True)
    (home / "temporal.log").unlink(missing_ok=True)
    for folder in ("payloads", "files"):
        shutil.rmtree(home / folder, ignore_errors=True)
