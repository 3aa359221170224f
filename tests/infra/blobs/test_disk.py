"""Files on disk are files: people may look at them, and nothing leads out of the folder."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagents import FileRefused, Files
from sagents.errors import SagentsError, StoreUnavailable
from sagents.file_entries import Record
from sagents.scopes import Scope
from sagents_infra.blobs import DiskBlobs

MINE = Scope(id="me")

pytestmark = pytest.mark.asyncio


def everything(folder: Path) -> list[str]:
    """All files below a folder, links followed nowhere."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


async def test_a_file_is_where_people_look_for_it(tmp_path: Path) -> None:
    await DiskBlobs(tmp_path).put(Scope(id="c-1", tenant="Acme"), "/notes/today.md", b"hello", {}, None)
    place = tmp_path / "content/tenants/%41cme/agent/c-1/notes/today.md"
    assert place.read_bytes() == b"hello"
    assert [name for name in everything(tmp_path) if name.startswith("drafts/")] == []


async def test_a_file_that_people_put_there_is_listed_and_read_and_kept_in_its_age(tmp_path: Path) -> None:
    """B-41, E-94: there is no index that would have to know of it."""
    files = Files(DiskBlobs(tmp_path), "me")
    await files.write("/a.md", "written", custom={"by": "agent"})
    (tmp_path / "content/agent/me/b.md").write_text("put there")
    (tmp_path / "content/agent/me/a.md").write_text("changed by hand")
    assert [(entry.path, entry.size) for entry in await files.list()] == [("/a.md", 15), ("/b.md", 9)]
    assert (await files.read("/b.md")).text == "put there"
    changed = await files.read("/a.md")
    assert (changed.text, changed.custom) == ("changed by hand", {"by": "agent"})
    await files.edit("/a.md", lambda data: data + b"!")
    assert (await files.read("/a.md")).created_at == changed.created_at


async def test_names_that_no_path_may_have_are_not_listed(tmp_path: Path) -> None:
    files = Files(DiskBlobs(tmp_path), "me")
    await files.write("/a.md", "a")
    for name in (" space", "two\nlines", "x" * 250, b"\xff"):
        folder = tmp_path / "content/agent/me"
        os.close(os.open(os.path.join(os.fsencode(folder), os.fsencode(name)), os.O_CREAT))
    assert [entry.path for entry in await files.list()] == ["/a.md"]


async def test_nothing_is_read_or_written_through_a_symbolic_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    blobs = DiskBlobs(tmp_path / "files")
    await blobs.put(MINE, "/real", b"real", {}, None)
    inside = tmp_path / "files/content/agent/me"
    (inside / "file").symlink_to(outside / "secret")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "nowhere").symlink_to(outside / "nothing")
    for path in ("/file", "/folder/secret", "/folder/new", "/folder/deep/er", "/loop/real", "/nowhere"):
        with pytest.raises(FileRefused, match="symbolic link"):
            await blobs.get(MINE, path)
        with pytest.raises(FileRefused, match="symbolic link"):
            await blobs.put(MINE, path, b"changed", {}, None)
        with pytest.raises(FileRefused, match="symbolic link"):
            await blobs.delete(MINE, path)
    assert [info.path for info in await blobs.listed(MINE)] == ["/real"]
    await blobs.clear(MINE)
    assert everything(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


async def test_a_scope_that_is_a_link_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    blobs = DiskBlobs(tmp_path / "files")
    await blobs.put(Scope(id="other"), "/x", b"", {}, None)
    (tmp_path / "files/content/agent/me").symlink_to(outside)
    for attempt in (lambda: blobs.get(MINE, "/secret"), lambda: blobs.listed(MINE), lambda: blobs.clear(MINE)):
        with pytest.raises(FileRefused, match="symbolic link"):
            await attempt()
    assert everything(outside) == ["secret"]


async def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.put(MINE, "/real", b"", {}, None)
    os.mkfifo(tmp_path / "content/agent/me/pipe")
    async with asyncio.timeout(10):
        with pytest.raises(FileRefused, match="no regular file"):
            await blobs.get(MINE, "/pipe")
    assert [info.path for info in await blobs.listed(MINE)] == ["/real"]


async def test_a_file_is_no_directory_and_a_directory_no_file(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.put(MINE, "/a", b"", {}, None)
    with pytest.raises(FileRefused, match="/a/b cannot be: a is a file"):
        await blobs.put(MINE, "/a/b", b"", {}, None)
    await blobs.put(MINE, "/c/d", b"", {}, None)
    with pytest.raises(FileRefused, match="/c is a directory"):
        await blobs.put(MINE, "/c", b"", {}, None)
    assert [info.path for info in await blobs.listed(MINE)] == ["/a", "/c/d"]


async def test_a_write_that_fails_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """E-94: the failure is the writer's to know at once; there is nothing that would be written later."""
    blobs = DiskBlobs(tmp_path)
    version = await blobs.put(MINE, "/file", b"1", {"n": "1"}, None)
    before = everything(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StoreUnavailable, match="No space left on device"):
            await blobs.put(MINE, "/file", b"2", {"n": "2"}, version)
        with pytest.raises(StoreUnavailable):
            await blobs.put(MINE, "/new/file", b"2", {}, None)
    assert everything(tmp_path) == before
    assert not (tmp_path / "content/agent/me/new").exists()
    blob = await blobs.get(MINE, "/file")
    assert blob is not None
    assert (blob.data, blob.metadata) == (b"1", {"n": "1"})


async def test_a_process_that_dies_while_it_writes_leaves_the_old_file_and_the_edit_to_be_made(tmp_path: Path) -> None:
    """The metadata are there first; they do not count, nor say that the edit was made, while the content is the old."""
    files, replace = Files(DiskBlobs(tmp_path), "me"), os.replace
    await files.create("/a.md", "old", custom={"by": "ann"})
    created = (await files.read("/a.md")).created_at

    def dies(source: Any, target: Any, **options: Any) -> None:
        if "dst_dir_fd" in options:
            raise KeyboardInterrupt
        replace(source, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            DiskBlobs(tmp_path)._write(*await edited(files, "once"))
    assert (await files.read("/a.md")).text == "old"
    await files.edit("/a.md", lambda data: data + b" and new", once="once")
    await files.edit("/a.md", lambda data: data + b" and new", once="once")
    file = await files.read("/a.md")
    assert (file.text, file.custom, file.created_at) == ("old and new", {"by": "ann"}, created)


async def edited(files: Files, key: str) -> tuple[Scope, str, bytes, dict[str, str], str]:
    """What an edit under the key writes."""
    there = await files.blobs.get(files.scope, "/a.md")
    assert there is not None
    data = there.data + b" and new"
    record = Record.of(there).after(data, there.modified_at, None, key)
    return files.scope, "/a.md", data, record.metadata(), there.version


async def test_threads_that_tools_have_filled_do_not_keep_files_waiting(tmp_path: Path) -> None:
    release = threading.Event()
    busy = [asyncio.ensure_future(asyncio.to_thread(release.wait, 30)) for _ in range((os.cpu_count() or 1) + 8)]
    async with asyncio.timeout(10):
        await DiskBlobs(tmp_path).put(MINE, "/file", b"", {}, None)
    release.set()
    await asyncio.gather(*busy)


PARTS = st.sampled_from(["..", ".", "", "a", "b", "\\", "\\..", "~", "/", "//", "%2e%2e", "..;", "\0", "\n", " ", "C:"])
HOSTILE = st.one_of(st.lists(PARTS, max_size=8).map("/".join), st.text(max_size=30), st.binary(max_size=9).map(str))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.builds(lambda start, rest: start + rest, st.sampled_from(["", "/", "/a/"]), HOSTILE))
async def test_no_path_escapes_its_scope(tmp_path: Path, path: str) -> None:
    """B-36: whatever a path is, what is written under it is in the scope's folder and is found there again."""
    root, home = tmp_path / "files", tmp_path / "files/content/agent/me"
    files = Files(DiskBlobs(root), "me")
    try:
        await files.write(path, "x")
    except FileRefused:
        return
    finally:
        assert all(name.startswith("files/") for name in everything(tmp_path))
        assert all(name.startswith("agent/me/") for name in everything(root / "content"))
    entry = await files.read(path)
    assert (home / entry.path.lstrip("/")).resolve().is_relative_to(home.resolve())
    assert [one.path for one in await files.list()] == [entry.path]
    await files.delete(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=HOSTILE)
async def test_storage_refuses_paths_that_nobody_has_checked(tmp_path: Path, path: str) -> None:
    blobs = DiskBlobs(tmp_path / "files")
    try:
        await blobs.put(MINE, path, b"", {}, None)
        await blobs.clear(MINE)
    except SagentsError:
        pass
    assert all(name.startswith("files/") for name in everything(tmp_path))
    assert everything(tmp_path / "files/content") == []
