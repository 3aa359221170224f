"""Where things are: the application's module, and the dev server that runs in this folder."""

import fcntl
import importlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sagents import AppNotFound, Sagents, SagentsError

MODULES = ("app", "agents", "main")
EXPLICIT = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")
"""Who sets one of these means another Temporal than the dev server of this folder."""


def find_app(spec: str) -> tuple[str, Sagents]:
    """The application and where it was found: at `spec`, else in a module of this folder."""
    name = look_for_app(spec)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return (spec, Sagents.load(spec)) if spec else _only_app(name)


def look_for_app(spec: str) -> str:
    """Where the application is to be loaded from, without loading it; `AppNotFound` says what was looked for."""
    here = Path.cwd()
    for name in [spec] if spec else MODULES:
        path = here / f"{name}.py"
        if spec or (path.exists() and "Sagents" in path.read_text(encoding="utf-8", errors="replace")):
            return name
    looked = ", ".join(f"{name}.py" for name in MODULES)
    raise AppNotFound(
        f"No app found. SAGENTS_APP is not set, and {here} has no {looked} with a `Sagents()` in it. "
        "Say SAGENTS_APP=module:attribute (or --app), or let `sagents init` make a project."
    )


def _only_app(name: str) -> tuple[str, Sagents]:
    module = importlib.import_module(name)
    found = [attribute for attribute, value in vars(module).items() if isinstance(value, Sagents)]
    if len(found) != 1:
        names = ", ".join(f"{name}:{attribute}" for attribute in found) or "none"
        raise AppNotFound(f"{name}.py should have one `Sagents()`, but has {names}; say SAGENTS_APP=module:attribute.")
    return f"{name}:{found[0]}", getattr(module, found[0])


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold a folder's dev server. A second one on the same files would damage them."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "dev.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = _note(home)
            where = f" (process {other['pid']}, Temporal at {other['address']})" if other else ""
            raise SagentsError(f"`sagents dev` runs in this folder already{where}; end it first.") from None
        try:
            yield
        finally:
            _note_path(home).unlink(missing_ok=True)


def announce(home: Path, address: str, ui: str) -> None:
    """Tell the other commands of this folder where the dev server is."""
    _note_path(home).write_text(json.dumps({"pid": os.getpid(), "address": address, "ui": ui}))


def use_dev_server(home: Path) -> None:
    """Talk to the dev server that runs in this folder, unless the environment names another Temporal."""
    if any(os.environ.get(name) for name in EXPLICIT):
        return
    note = _note(home)
    if note is not None and _is_held(home):
        os.environ.update(temporal_environment(str(note["address"])))


def temporal_environment(address: str) -> Mapping[str, str]:
    """The environment that leads to a local server, whatever `temporal.toml` says."""
    return {"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "default", "TEMPORAL_CONFIG_FILE": os.devnull}


def _note_path(home: Path) -> Path:
    return home / "dev.json"


def _note(home: Path) -> dict[str, Any] | None:
    try:
        note: dict[str, Any] = json.loads(_note_path(home).read_text())
    except (OSError, ValueError):
        return None
    return note


def _is_held(home: Path) -> bool:
    try:
        with (home / "dev.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
