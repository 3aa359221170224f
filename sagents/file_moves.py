"""Moving files within a scope (E-95). A move that a lost worker left half done goes on under the same key.

list old/… ─ is anything at new/…? ─ for each file: write the new one, then remove the old one, if it is unchanged
"""

from __future__ import annotations

from dataclasses import dataclass

from sagents.errors import FileChanged, FileMissing, FileRefused, FileTaken
from sagents.file_entries import Record, mark
from sagents.file_paths import checked
from sagents.ports import Blob, Blobs
from sagents.scopes import Scope


async def moved(blobs: Blobs, scope: Scope, old: str, new: str, once: str) -> int:
    """How many files were moved. Raises `FileMissing` or `FileTaken` before anything is changed."""
    sources = await _below(blobs, scope, old)
    if old == new and sources:
        return len(sources)
    if new.startswith(f"{old}/"):
        raise FileRefused(f"{old} cannot be moved into itself")
    there = await _below(blobs, scope, new)
    mine = {path for path in there if once and await _was_made(blobs, scope, path, once)}
    if set(there) - mine - set(sources):
        raise FileTaken(new)
    if not sources and not mine:
        raise FileMissing(old)
    targets = {path: checked(new + path.removeprefix(old)) for path in sources}
    for path, target in targets.items():
        await _Move(blobs, scope, path, target, once).done(over=target in mine)
    return len(mine | set(targets.values()))


async def _below(blobs: Blobs, scope: Scope, path: str) -> list[str]:
    """The file of this path, and those in the directory of this path."""
    found = [info.path for info in await blobs.listed(scope, path)]
    return [one for one in found if one == path or one.startswith(f"{path}/")]


async def _was_made(blobs: Blobs, scope: Scope, path: str, once: str) -> bool:
    blob = await blobs.get(scope, path)
    return blob is not None and mark(once) in Record.of(blob).made


@dataclass(frozen=True)
class _Move:
    """One file on its way."""

    blobs: Blobs
    scope: Scope
    path: str
    target: str
    once: str

    async def done(self, *, over: bool) -> None:
        """Until the source goes in the version that was written: an edit between the two is moved, too."""
        written = await self.blobs.get(self.scope, self.target) if over else None
        version = written.version if written else None
        while (source := await self.blobs.get(self.scope, self.path)) is not None:
            version = await self._written(source, version)
            try:
                await self.blobs.delete(self.scope, self.path, source.version)
            except FileChanged:
                continue
            return

    async def _written(self, source: Blob, over: str | None) -> str:
        before = Record.of(source)
        record = before.after(source.data, before.modified_at, None, self.once)
        try:
            return await self.blobs.put(self.scope, self.target, source.data, record.metadata(), over)
        except FileChanged:
            raise FileTaken(self.target) from None
