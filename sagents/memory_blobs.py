"""Files in the memory of this process: for runs without Temporal, and for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from threading import Lock

from sagents.errors import FileChanged
from sagents.ports import Blob, BlobInfo
from sagents.scopes import Scope


def the_time() -> datetime:
    """The clock where nobody gives another."""
    return datetime.now(UTC)  # noqa: TID251 - storage has a clock of its own; this is the storage


class MemoryBlobs:
    """A `Blobs` that ends with its process. Threads may share it."""

    def __init__(self, now: Callable[[], datetime] = the_time) -> None:
        self._now, self._versions, self._lock = now, count(1), Lock()
        self._files: dict[str, dict[str, Blob]] = {}

    async def get(self, scope: Scope, path: str) -> Blob | None:
        return self._files.get(scope.key, {}).get(path)

    async def put(self, scope: Scope, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        with self._lock:
            self._expect(scope, path, expected)
            blob = Blob(bytes(data), str(next(self._versions)), self._now(), dict(metadata))
            self._files.setdefault(scope.key, {})[path] = blob
            return blob.version

    async def delete(self, scope: Scope, path: str, expected: str | None = None) -> bool:
        with self._lock:
            if expected is not None:
                self._expect(scope, path, expected)
            return self._files.get(scope.key, {}).pop(path, None) is not None

    async def listed(self, scope: Scope, prefix: str = "/") -> tuple[BlobInfo, ...]:
        with self._lock:
            files = sorted(self._files.get(scope.key, {}).items())
        return tuple(
            BlobInfo(path, len(blob.data), blob.modified_at) for path, blob in files if path.startswith(prefix)
        )

    async def clear(self, scope: Scope) -> None:
        with self._lock:
            self._files.pop(scope.key, None)

    def _expect(self, scope: Scope, path: str, expected: str | None) -> None:
        blob = self._files.get(scope.key, {}).get(path)
        if expected != (blob.version if blob else None):
            raise FileChanged(path)
