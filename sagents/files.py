"""The files of an agent, as tools, hooks and the `FileSystem` middleware reach them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from sagents.errors import FileChanged, FileMissing, FileProblem, FileTaken
from sagents.file_entries import File, FileEntry, Record, data_of, mark, shown, stored
from sagents.file_moves import moved
from sagents.file_paths import checked, directory
from sagents.memory_blobs import MemoryBlobs, the_time
from sagents.ports import Blob, Blobs
from sagents.scopes import Scope, ScopeName

if TYPE_CHECKING:
    from sagents.plan import AgentRef
    from sagents.surroundings import Emit, Surroundings

__all__ = ["File", "FileEntry", "Files"]

TRIES = 500
"""How often an edit is made again because others were faster; at each try somebody gets on."""

Change = Callable[[bytes], bytes]


def _unheard(_type: str, _data: Mapping[str, JsonValue]) -> None:
    """Where nobody listens."""


@dataclass(frozen=True)
class Files:
    """Files in one scope: an agent's own, unless `of` names another one. Every change is kept at once and announced.

    What cannot be done raises a `FileProblem`: `FileMissing`, `FileTaken`, `FileChanged` or `FileRefused`.
    Contents stay outside of the conversation and its history: what a tool returns is what the model reads.
    """

    blobs: Blobs = field(default_factory=MemoryBlobs, repr=False)
    agent_id: str = ""
    agent_scope: Mapping[str, JsonValue] = field(default_factory=dict)
    name: ScopeName = "agent"
    now: Callable[[], datetime] = field(default=the_time, repr=False)
    emit: Emit = field(default=_unheard, repr=False)

    @classmethod
    def around(cls, agent: AgentRef, around: Surroundings) -> Files:
        """The files of an agent where it runs."""
        return cls(around.blobs, agent.root_id, agent.scope, now=around.now, emit=around.emit)

    def of(self, name: ScopeName) -> Files:
        """The files of this agent's user, project or organization, or its own."""
        return replace(self, name=name)

    @property
    def scope(self) -> Scope:
        """Whose files they are. Raises `FileRefused` where the agent's scope does not say."""
        return Scope.of(self.name, self.agent_id, self.agent_scope)

    async def read(self, path: str) -> File:
        """The file with its content. Raises `FileMissing`."""
        return stored(checked(path), await self._blob(path))

    async def exists(self, path: str) -> bool:
        """Whether there is a file of this path."""
        return await self.blobs.get(self.scope, checked(path)) is not None

    async def list(self, prefix: str = "/") -> tuple[FileEntry, ...]:
        """The files whose paths begin with this text, sorted; contents are not read."""
        return tuple(shown(info) for info in await self.blobs.listed(self.scope, prefix) if _is_path(info.path))

    async def create(
        self, path: str, content: bytes | str, *, custom: Mapping[str, Any] | None = None, once: str = ""
    ) -> FileEntry:
        """Write a new file. Raises `FileTaken` where there is one, unless it was created under the same `once`."""
        path = checked(path)
        try:
            return await self._put(path, data_of(content), None, custom, once)
        except FileChanged:
            there = await self.blobs.get(self.scope, path)
            if there and _was_made(there, once):
                return _entry(stored(path, there))
            raise FileTaken(path) from None

    async def write(
        self,
        path: str,
        content: bytes | str,
        *,
        custom: Mapping[str, Any] | None = None,
        version: str | None = None,
    ) -> FileEntry:
        """Write a file, new or over what is there; with a `version` only over that one, else `FileChanged`."""
        path, data = checked(path), data_of(content)
        for _ in range(TRIES):
            there = await self.blobs.get(self.scope, path)
            if version is not None and (there is None or there.version != version):
                raise FileChanged(path)
            try:
                return await self._put(path, data, there, custom)
            except FileChanged:
                continue
        raise FileChanged(path)

    async def edit(self, path: str, change: Change, *, once: str = "") -> FileEntry:
        """Write what `change` makes of the content; where somebody is faster, of theirs: no edit is lost.

        What `change` raises goes on to the caller. Under the same `once` (an idempotency key) it is made once, however
        often it is asked for, as far as the last 16 changes of the file tell.
        """
        path = checked(path)
        for number in range(TRIES):
            there = await self._blob(path)
            if _was_made(there, once):
                return _entry(stored(path, there))
            try:
                data = change(there.data)
            except FileProblem as error:
                raise FileChanged(path, _meanwhile(path, error)) if number else error from None
            try:
                return await self._put(path, data, there, None, once)
            except FileChanged:
                continue
        raise FileChanged(path)

    async def delete(self, path: str) -> None:
        """Remove a file. Raises `FileMissing`."""
        path = checked(path)
        if not await self.blobs.delete(self.scope, path):
            raise FileMissing(path)
        self._tell("file_deleted", path=path)

    async def move(self, old: str, new: str, *, once: str = "") -> int:
        """Move a file, or a directory with all in it, to where nothing is; returns how many files that were (E-95).

        Raises `FileMissing` or `FileTaken` before anything has moved. `once` is as for `edit`.
        """
        old, new = directory(old), directory(new)
        count = await moved(self.blobs, self.scope, old, new, once)
        if old != new:
            self._tell("file_moved", old_path=old, new_path=new, files=count)
        return count

    async def _blob(self, path: str) -> Blob:
        blob = await self.blobs.get(self.scope, checked(path))
        if blob is None:
            raise FileMissing(checked(path))
        return blob

    async def _put(
        self, path: str, data: bytes, there: Blob | None, custom: Mapping[str, Any] | None, once: str = ""
    ) -> FileEntry:
        now = self.now()
        before = Record.of(there) if there else Record(digest="", created_at=now, modified_at=now)
        record = before.after(data, now, custom, once)
        version = await self.blobs.put(self.scope, path, data, record.metadata(), there.version if there else None)
        self._tell("file_updated", path=path)
        return _entry(stored(path, Blob(data, version, now, record.metadata())))

    def _tell(self, type: str, **data: JsonValue) -> None:
        self.emit(type, {**data, "scope": self.name})


def _entry(file: File) -> FileEntry:
    return FileEntry(**{name: getattr(file, name) for name in FileEntry.model_fields})


def _was_made(blob: Blob, once: str) -> bool:
    return bool(once) and mark(once) in Record.of(blob).made


def _meanwhile(path: str, error: FileProblem) -> str:
    return f"{path} was changed by somebody else meanwhile: {error} Read the file again."


def _is_path(path: str) -> bool:
    """Whether it can be asked for; people may put other files where we list."""
    try:
        return checked(path) == path
    except FileProblem:
        return False
