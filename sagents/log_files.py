"""Lines on their way into files: one thread writes them all, so that nobody who logs waits for a disk."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

KNOWN = 256
"""Runs whose file is remembered; that of another is looked for."""

MAX_PART = 80
"""Characters of an id in a file's name."""


@dataclass(frozen=True)
class Page:
    """Where the lines of one run belong."""

    folder: Path
    prefix: str
    agent: str
    run: str

    @property
    def ending(self) -> str:
        return f"_{safe(self.agent)}_{safe(self.run)}.log"

    def path(self, began: datetime) -> Path:
        """The file of the run: the one that an earlier process has begun here, else a new one."""
        start = safe(self.prefix)
        with suppress(OSError):
            for entry in sorted(self.folder.iterdir()):
                if entry.name.startswith(f"{start}_") and entry.name.endswith(self.ending):
                    return entry
        return self.folder / f"{start}_{began:%Y%m%dT%H%M%S}{self.ending}"


def safe(part: str) -> str:
    """The text as part of a file's name: no separators, no hidden files, not too long."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", part)[:MAX_PART].lstrip(".") or "none"


def written(page: Page, at: datetime, text: Callable[[], str]) -> None:
    """Have a line written soon; `text` makes it, in the writing thread. What cannot be written is lost, silently."""
    with suppress(RuntimeError):  # the interpreter ends
        _writer().submit(_write, page, at, text)


def flushed() -> Future[None]:
    """Done when all that was logged before is on its disk."""
    return _writer().submit(lambda: None)


@lru_cache(maxsize=1)
def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagents-debug-log")


_paths: OrderedDict[Page, Path] = OrderedDict()


def _write(page: Page, at: datetime, text: Callable[[], str]) -> None:
    with suppress(Exception):
        path = _paths.get(page) or page.path(at)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8", errors="replace", opener=_private) as file:
            file.write(text())
        _paths[page] = path
        _paths.move_to_end(page)
        if len(_paths) > KNOWN:
            _paths.popitem(last=False)


def _private(path: str, flags: int) -> int:
    """What people say to agents is for the owner of the process alone."""
    return os.open(path, flags, 0o600)
