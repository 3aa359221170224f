"""The files of an agent, as its code reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import FileChanged, FileMissing, FileRefused, Files, FileTaken
from sagents.memory_blobs import MemoryBlobs
from sagents.scopes import Scope

START = datetime(2025, 1, 1, tzinfo=UTC)
SCOPE: Mapping[str, JsonValue] = {"owner": "ann", "project": "p"}

pytestmark = pytest.mark.asyncio


class Heard(list[tuple[str, dict[str, Any]]]):
    """What was announced."""

    def __call__(self, type: str, data: Mapping[str, JsonValue]) -> None:
        self.append((type, dict(data)))


class Clock:
    """Moves on by a minute whenever somebody looks."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


def some_files(**fields: Any) -> Files:
    return Files(**{"agent_id": "c-1", "agent_scope": SCOPE, "now": Clock(), "emit": Heard(), **fields})


class Interrupted(MemoryBlobs):
    """Storage in which somebody else is faster, as often as there are `others`; None deletes the file."""

    def __init__(self) -> None:
        super().__init__()
        self.others = list[bytes | None]()

    async def put(self, scope: Scope, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        if self.others:
            other = self.others.pop(0)
            there = await self.get(scope, path)
            if other is None:
                await super().delete(scope, path)
            else:
                await super().put(scope, path, other, {}, there.version if there else None)
        return await super().put(scope, path, data, metadata, expected)


async def test_a_file_is_written_read_and_listed_with_what_is_known_of_it() -> None:
    """B-39."""
    files = some_files()
    entry = await files.create("/notes//today.md", "hällo", custom={"tags": ["a"]})
    file = await files.read("/notes/today.md")
    assert (file.text, file.size, file.mime_type) == ("hällo", 6, "text/markdown")
    assert file.sha256 == sha256("hällo".encode()).hexdigest()
    assert file.created_at == file.modified_at == START + timedelta(minutes=1)
    assert (file.path, file.custom) == ("/notes/today.md", {"tags": ["a"]})
    assert entry.to_map().keys() == {"path", "mime_type", "size", "modified_at"}
    assert [(one.path, one.size) for one in await files.list()] == [("/notes/today.md", 6)]
    assert await files.list("/other") == ()


async def test_an_update_keeps_when_it_was_created_and_what_is_custom() -> None:
    """B-39."""
    files = some_files()
    await files.create("/a.md", "1", custom={"by": "ann"})
    first = await files.read("/a.md")
    await files.write("/a.md", b"22")
    await files.edit("/a.md", lambda data: data + b"3")
    last = await files.read("/a.md")
    assert (last.text, last.size, last.custom, last.created_at) == ("223", 3, {"by": "ann"}, first.created_at)
    assert last.modified_at > first.modified_at
    await files.write("/a.md", "4", custom={})
    assert (await files.read("/a.md")).custom == {}


async def test_every_write_is_kept_at_once() -> None:
    """B-40, E-93: another reader of the same storage sees each of them; nothing waits to be flushed."""
    files = some_files()
    await files.create("/a.md", "0")
    for number in range(1, 5):
        await files.write("/a.md", str(number))
        assert (await some_files(blobs=files.blobs).read("/a.md")).text == str(number)


async def test_what_is_not_there_is_missing() -> None:
    files = some_files()
    for attempt in (lambda: files.read("/no"), lambda: files.delete("/no"), lambda: files.edit("/no", bytes.upper)):
        with pytest.raises(FileMissing, match="File not found: /no"):
            await attempt()
    assert not await files.exists("/no")
    with pytest.raises(FileMissing, match="File not found: /no"):
        await files.move("/no", "/yes")


async def test_a_new_file_takes_nobodys_place() -> None:
    files = some_files()
    await files.create("/a", "mine")
    with pytest.raises(FileTaken, match="File already exists: /a"):
        await files.create("/a", "yours")
    assert (await files.read("/a")).text == "mine"


async def test_a_version_is_written_over_only_while_it_is_there() -> None:
    files = some_files()
    await files.create("/a", "1")
    version = (await files.read("/a")).version
    await files.write("/a", "2", version=version)
    with pytest.raises(FileChanged, match=r"/a was changed by somebody else meanwhile\. Read it again\."):
        await files.write("/a", "3", version=version)
    with pytest.raises(FileChanged):
        await files.write("/b", "3", version=version)
    assert (await files.read("/a")).text == "2"


async def test_each_change_is_announced_once_it_has_been_made() -> None:
    """B-44."""
    heard = Heard()
    files = some_files(emit=heard)
    await files.create("/a", "1")
    await files.of("project").write("/a", "1")
    await files.edit("/a", bytes.upper)
    await files.move("/a", "/b")
    await files.delete("/b")
    updated = ("file_updated", {"path": "/a", "scope": "agent"})
    assert heard == [
        updated,
        ("file_updated", {"path": "/a", "scope": "project"}),
        updated,
        ("file_moved", {"old_path": "/a", "new_path": "/b", "files": 1, "scope": "agent"}),
        ("file_deleted", {"path": "/b", "scope": "agent"}),
    ]


async def test_what_fails_is_not_announced() -> None:
    """B-44."""
    heard = Heard()
    files = some_files(emit=heard)
    for attempt in (
        lambda: files.delete("/no"),
        lambda: files.edit("/no", bytes.upper),
        lambda: files.move("/no", "/yes"),
        lambda: files.write("/../etc", ""),
        lambda: files.create("/half", "\ud800"),
        lambda: files.create("/custom", "", custom={"no": {1, 2}}),
        lambda: files.create("/custom", "", custom={"much": "x" * 2_000}),
    ):
        with pytest.raises((FileMissing, FileRefused)):
            await attempt()
    assert heard == []
    assert await files.list() == ()


async def test_each_scope_has_files_of_its_own() -> None:
    """B-37."""
    files = some_files()
    for name in ("agent", "user", "project"):
        await files.of(name).create("/a", name)
    other = replace(files, agent_id="c-2")
    assert (await other.of("project").read("/a")).text == "project"
    assert (await other.of("user").read("/a")).text == "user"
    assert not await other.exists("/a")
    with pytest.raises(FileRefused, match="names no organization"):
        await files.of("organization").list()


# Two at once


async def interrupted(*others: bytes | None) -> Files:
    """Files with a file `/a`, "mine"; others are about to write to it."""
    storage = Interrupted()
    files = some_files(blobs=storage)
    await files.create("/a", "mine")
    storage.others = list(others)
    return files


async def test_an_edit_is_made_again_on_what_somebody_else_has_written() -> None:
    """E-94."""
    files = await interrupted(b"a", b"a b", b"a b c")
    await files.edit("/a", lambda data: data + b"!")
    assert (await files.read("/a")).text == "a b c!"


async def test_an_edit_that_fits_no_more_says_to_read_again() -> None:
    def change(data: bytes) -> bytes:
        if data != b"mine":
            raise FileRefused("String not found.")
        return b"changed"

    files = await interrupted(b"yours")
    with pytest.raises(FileChanged, match=r"^/a was changed .* meanwhile: String not found\. Read the file again\.$"):
        await files.edit("/a", change)
    with pytest.raises(FileRefused, match=r"^String not found\.$"):
        await files.edit("/a", change)
    assert (await files.read("/a")).text == "yours"


async def test_an_edit_of_a_file_that_somebody_deletes_says_so() -> None:
    files = await interrupted(None)
    with pytest.raises(FileMissing):
        await files.edit("/a", bytes.upper)


async def test_an_edit_under_a_key_is_made_once_also_where_others_came_between() -> None:
    """A tool whose worker was lost is called again with the same key."""
    files = some_files()
    await files.create("/a", "")
    for key in (b"one ", b"two ", b"one ", b"three ", b"two ", b"one "):
        await files.edit("/a", lambda data, word=key: data + word, once=str(key))  # type: ignore[misc]
    assert (await files.read("/a")).text == "one two three "


async def test_what_was_made_counts_no_more_once_somebody_wrote_by_other_means() -> None:
    files = some_files()
    await files.create("/a", "1", once="k")
    there = await files.blobs.get(files.scope, "/a")
    assert there is not None
    await files.blobs.put(files.scope, "/a", b"by hand", there.metadata, there.version)
    with pytest.raises(FileTaken):
        await files.create("/a", "1", once="k")


# Moves (E-95)


async def filled(files: Files, *paths: str) -> Files:
    for path in paths:
        await files.create(path, path)
    return files


async def contents(files: Files) -> dict[str, str]:
    return {entry.path: (await files.read(entry.path)).text for entry in await files.list()}


async def test_a_file_moves_with_all_that_is_known_of_it() -> None:
    files = some_files()
    await files.create("/a", "text", custom={"by": "ann"})
    before = await files.read("/a")
    assert await files.move("/a", "/deep/b.md") == 1
    after = await files.read("/deep/b.md")
    kept = ("data", "created_at", "modified_at", "custom", "sha256")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert [entry.path for entry in await files.list()] == ["/deep/b.md"]


async def test_a_directory_moves_with_all_that_is_in_it_and_nothing_else() -> None:
    files = await filled(some_files(), "/a/1", "/a/b/2", "/ab", "/c/3")
    assert await files.move("/a/", "/c/d") == 2
    assert await contents(files) == {"/ab": "/ab", "/c/3": "/c/3", "/c/d/1": "/a/1", "/c/d/b/2": "/a/b/2"}


@pytest.mark.parametrize("target", ["/b", "/c", "/c/3"])
async def test_nothing_moves_to_where_something_is(target: str) -> None:
    files = await filled(some_files(), "/a/1", "/b", "/c/3")
    before = await contents(files)
    with pytest.raises(FileTaken) as taken:
        await files.move("/a", target)
    assert taken.value.path == target
    assert await contents(files) == before


async def test_moving_to_the_same_path_changes_and_announces_nothing() -> None:
    heard = Heard()
    files = await filled(some_files(emit=heard), "/a/1", "/a/2")
    heard.clear()
    assert await files.move("/a", "/a/") == 2
    assert await files.move("/a/1", "//a/1") == 1
    assert heard == []


async def test_nothing_moves_into_itself() -> None:
    files = await filled(some_files(), "/a/1")
    with pytest.raises(FileRefused, match="/a cannot be moved into itself"):
        await files.move("/a", "/a/b")


async def test_paths_that_would_be_too_long_are_found_before_anything_moves() -> None:
    files = await filled(some_files(), "/a/1", "/a/" + "/".join(["x" * 199] * 3))
    before = await contents(files)
    with pytest.raises(FileRefused, match="longer than"):
        await files.move("/a", "/" + "y" * 150)
    assert await contents(files) == before


class Dies(MemoryBlobs):
    """Storage that its user loses at the n-th change."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def _count(self) -> None:
        self.at -= 1
        if self.at == 0:
            raise ConnectionError("the worker was lost")

    async def put(self, *arguments: Any, **more: Any) -> str:
        self._count()
        return await super().put(*arguments, **more)

    async def delete(self, *arguments: Any, **more: Any) -> bool:
        self._count()
        return await super().delete(*arguments, **more)


@pytest.mark.parametrize("at", range(1, 8))
async def test_a_move_that_was_lost_half_way_goes_on_under_the_same_key(at: int) -> None:
    files = some_files(blobs=Dies(at=1_000))
    await filled(files, "/a/1", "/a/2", "/a/3")
    files.blobs.at = at  # type: ignore[attr-defined]
    try:
        await files.move("/a", "/b", once="key")
    except ConnectionError:
        assert await files.move("/a", "/b", once="key") == 3
    assert await contents(files) == {"/b/1": "/a/1", "/b/2": "/a/2", "/b/3": "/a/3"}
    assert await files.move("/a", "/b", once="key") == 3
    with pytest.raises(FileMissing):
        await files.move("/a", "/c", once="other")


async def test_an_edit_while_a_file_moves_is_moved_too() -> None:
    class Edited(MemoryBlobs):
        async def delete(self, scope: Scope, path: str, expected: str | None = None) -> bool:
            there = await self.get(scope, path)
            if there is not None and there.data == b"1":
                await self.put(scope, path, b"2", {}, there.version)
            return await super().delete(scope, path, expected)

    files = some_files(blobs=Edited())
    await files.create("/a", "1")
    await files.move("/a", "/b")
    assert await contents(files) == {"/b": "2"}
