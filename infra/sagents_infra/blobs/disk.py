"""Files on a local disk, as files: people may look at them, and put others beside them.

content/<scope>/<path>      the file itself, written beside its place and moved there
about/<scope>/<digest>      its metadata; written first, and they tell which content they are about
locks/<xx>                  held while something of a scope changes, by one of all processes and threads
"""

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from sagents.errors import FileChanged, FileRefused, StoreUnavailable
from sagents.ports import Blob, BlobInfo
from sagents.scopes import Scope
from sagents_infra.blobs.folders import drop_empty, files_in, is_text, opened, prune, read_at, refused

T = TypeVar("T")

NOTHING = (FileNotFoundError, NotADirectoryError)
"""There is no file where its directory is none."""


class DiskBlobs:
    """A `Blobs` for one machine: every process that shares files needs the same `folder`. A version is a digest."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="files")  # tools may fill the loop's

    async def get(self, scope: Scope, path: str) -> Blob | None:
        return await self._in_thread(path, lambda: self._read(scope, path))

    async def put(self, scope: Scope, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        return await self._in_thread(path, lambda: self._write(scope, path, data, metadata, expected))

    async def delete(self, scope: Scope, path: str, expected: str | None = None) -> bool:
        return await self._in_thread(path, lambda: self._delete(scope, path, expected))

    async def listed(self, scope: Scope, prefix: str = "/") -> tuple[BlobInfo, ...]:
        found = await self._in_thread(prefix, lambda: sorted(self._list(scope, prefix), key=lambda info: info.path))
        return tuple(found)

    async def clear(self, scope: Scope) -> None:
        await self._in_thread(str(scope), lambda: self._clear(scope))

    async def _in_thread(self, what: str, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except IsADirectoryError:
            raise FileRefused(f"{what} is a directory") from None
        except NotADirectoryError as error:
            raise FileRefused(f"{what} cannot be: {error.filename} is a file, not a directory") from None
        except OSError as error:
            raise StoreUnavailable(f"{self._folder}: {what}: {error.strerror or error}") from error

    def _read(self, scope: Scope, path: str) -> Blob | None:
        *names, name = _names(scope, path)
        try:
            with opened(self._part("content"), names) as folders:
                found = read_at(folders[-1], name)
        except NOTHING:
            return None
        if found is None:
            return None
        data, at = found
        return Blob(
            data, sha256(data).hexdigest(), datetime.fromtimestamp(at, UTC), _metadata(self._about(scope, path))
        )

    def _write(self, scope: Scope, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        *names, name = _names(scope, path)
        with self._alone(scope), opened(self._part("content"), names, make=True) as folders:
            try:
                self._expect(folders[-1], name, path, expected)
                drop_empty(folders[-1], name)
                with self._draft(json.dumps(dict(metadata)).encode()) as about:
                    self._about(scope, path).parent.mkdir(parents=True, exist_ok=True)
                    os.replace(about, self._about(scope, path))
                with self._draft(data) as draft:
                    os.replace(draft, name, dst_dir_fd=folders[-1])
            except BaseException:
                self._prune(scope, folders, names)
                raise
        return sha256(data).hexdigest()

    def _delete(self, scope: Scope, path: str, expected: str | None) -> bool:
        *names, name = _names(scope, path)
        try:
            with self._alone(scope), opened(self._part("content"), names) as folders:
                if expected is not None:
                    self._expect(folders[-1], name, path, expected)
                if read_at(folders[-1], name) is None:
                    return False
                os.unlink(name, dir_fd=folders[-1])
                self._about(scope, path).unlink(missing_ok=True)
                self._prune(scope, folders, names)
        except NOTHING:
            if expected is not None:
                raise FileChanged(path) from None
            return False
        return True

    def _expect(self, folder: int, name: str, path: str, expected: str | None) -> None:
        found = read_at(folder, name)
        if expected != (sha256(found[0]).hexdigest() if found else None):
            raise FileChanged(path)

    def _list(self, scope: Scope, prefix: str) -> Iterator[BlobInfo]:
        try:
            with opened(self._part("content"), _folders(scope)) as folders:
                for where, _, names, folder in os.fwalk(dir_fd=folders[-1]):
                    base = where.removeprefix(".")
                    yield from files_in(folder, [(f"{base}/{name}", name) for name in names], prefix)
        except NOTHING:
            return

    def _clear(self, scope: Scope) -> None:
        *names, name = _folders(scope)
        with self._alone(scope), suppress(FileNotFoundError), opened(self._part("content"), names) as folders:
            try:
                shutil.rmtree(name, dir_fd=folders[-1])
            except OSError as error:
                raise refused(folders[-1], name, error) from None
        shutil.rmtree(self._about(scope, "").parent, ignore_errors=True)

    def _prune(self, scope: Scope, folders: list[int], names: list[str]) -> None:
        """Leave no empty folder of the scope behind; those above it are not behind its lock."""
        own = scope.key.count("/")
        prune(folders[own:], names[own:])

    @contextmanager
    def _alone(self, scope: Scope) -> Iterator[None]:
        """One at a time per scope (some scopes share a lock), in all threads and processes."""
        with open(self._part("locks") / _digest(scope.key)[:2], "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _draft(self, data: bytes) -> Iterator[Path]:
        """A file that has all of the data, also after a power cut, to be moved to its place."""
        draft = self._part("drafts") / uuid4().hex
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _about(self, scope: Scope, path: str) -> Path:
        return self._folder / "about" / _digest(scope.key) / _digest(path)

    def _part(self, name: str) -> Path:
        part = self._folder / name
        part.mkdir(parents=True, exist_ok=True)
        return part


def _names(scope: Scope, path: str) -> list[str]:
    """The folders and the name of a file. Raises `FileRefused` for names that no file can have."""
    first, *names = path.split("/")
    if first or not names or any(name in ("", ".", "..") or "\0" in name for name in names) or not is_text(path):
        raise FileRefused(f"{path!r} is no path")
    return [*_folders(scope), *names]


def _folders(scope: Scope) -> list[str]:
    return scope.key.split("/")


def _metadata(about: Path) -> dict[str, str]:
    """What was written beside a file; nothing where people have put the file there."""
    try:
        found = json.loads(about.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:40]
