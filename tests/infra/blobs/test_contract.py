"""What every `Blobs` promises: the specification of the port, held by each adapter (L-53, B-43)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sagents.errors import FileChanged
from sagents.ports import Blobs
from sagents.scopes import Scope

MINE, YOURS = Scope(id="conversation-1"), Scope(name="project", id="conversation-1")
MIB = 1024 * 1024

pytestmark = pytest.mark.asyncio


async def paths(blobs: Blobs, scope: Scope = MINE, prefix: str = "/") -> list[str]:
    return [info.path for info in await blobs.listed(scope, prefix)]


async def test_what_is_written_is_read_with_its_version_and_metadata(blobs: Blobs) -> None:
    metadata = {"record": '{"a": "é  b", "c": "' + "x" * 1_350 + '"}'}
    version = await blobs.put(MINE, "/notes.md", b"hello", metadata, None)
    blob = await blobs.get(MINE, "/notes.md")
    assert blob is not None
    assert (blob.data, blob.version, blob.metadata) == (b"hello", version, metadata)
    assert abs(blob.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "data", [b"", b" \n\t\n ", b"\x00\xff" * 100, b"x" * 10 * MIB], ids=["", "blank", "bytes", "10M"]
)
async def test_every_content_comes_back_exactly(blobs: Blobs, data: bytes) -> None:
    """E-96: also where there is nothing but space."""
    await blobs.put(MINE, "/file", data, {}, None)
    blob = await blobs.get(MINE, "/file")
    assert blob is not None
    assert blob.data == data
    assert [info.size for info in await blobs.listed(MINE)] == [len(data)]


async def test_where_nothing_is_nothing_is_found(blobs: Blobs) -> None:
    assert await blobs.get(MINE, "/nothing") is None
    assert await paths(blobs) == []
    assert await blobs.delete(MINE, "/nothing") is False
    await blobs.clear(MINE)
    await blobs.put(MINE, "/file", b"", {}, None)
    assert await blobs.get(MINE, "/file/below") is None
    assert await blobs.delete(MINE, "/file/below") is False
    assert await blobs.get(MINE, "/FILE") is None or await paths(blobs) == ["/file"]


async def test_a_new_file_is_refused_where_there_is_one(blobs: Blobs) -> None:
    await blobs.put(MINE, "/file", b"first", {"by": "first"}, None)
    with pytest.raises(FileChanged):
        await blobs.put(MINE, "/file", b"second", {"by": "second"}, None)
    blob = await blobs.get(MINE, "/file")
    assert blob is not None
    assert (blob.data, blob.metadata) == (b"first", {"by": "first"})


async def test_only_the_version_that_is_there_can_be_replaced(blobs: Blobs) -> None:
    first = await blobs.put(MINE, "/file", b"1", {}, None)
    second = await blobs.put(MINE, "/file", b"2", {"n": "2"}, first)
    assert first != second
    for late in (first, "never"):
        with pytest.raises(FileChanged, match="/file was changed by somebody else"):
            await blobs.put(MINE, "/file", b"3", {}, late)
    with pytest.raises(FileChanged):
        await blobs.put(MINE, "/other", b"3", {}, second)
    blob = await blobs.get(MINE, "/file")
    assert blob is not None
    assert (blob.data, blob.version, blob.metadata) == (b"2", second, {"n": "2"})


async def test_of_writers_at_once_one_wins_and_the_others_learn_it(blobs: Blobs) -> None:
    version = await blobs.put(MINE, "/file", b"0", {}, None)
    tries = [blobs.put(MINE, "/file", b"%d" % n, {}, version) for n in range(1, 11)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    won = [n for n, outcome in enumerate(outcomes, start=1) if not isinstance(outcome, BaseException)]
    assert len(won) == 1
    assert all(isinstance(outcome, FileChanged | str) for outcome in outcomes)
    blob = await blobs.get(MINE, "/file")
    assert blob is not None
    assert blob.data == b"%d" % won[0]


async def test_a_deleted_file_is_gone_and_its_path_is_free(blobs: Blobs) -> None:
    version = await blobs.put(MINE, "/a/b/file", b"1", {"n": "1"}, None)
    with pytest.raises(FileChanged):
        await blobs.delete(MINE, "/a/b/file", "never")
    assert await blobs.delete(MINE, "/a/b/file", version) is True
    assert await blobs.delete(MINE, "/a/b/file") is False
    with pytest.raises(FileChanged):
        await blobs.delete(MINE, "/a/b/file", version)
    await blobs.put(MINE, "/a", b"2", {}, None)
    assert await paths(blobs) == ["/a"]


async def test_lists_have_all_files_below_a_text_sorted_with_size_and_time(blobs: Blobs) -> None:
    for path in ("/b.md", "/a/2.md", "/a/1.md", "/ä ö+%41&#.md", "/a.md", "/a/deep/er/3"):
        await blobs.put(MINE, path, path.encode(), {}, None)
    assert await paths(blobs) == ["/a.md", "/a/1.md", "/a/2.md", "/a/deep/er/3", "/b.md", "/ä ö+%41&#.md"]
    assert await paths(blobs, prefix="/a/") == ["/a/1.md", "/a/2.md", "/a/deep/er/3"]
    assert await paths(blobs, prefix="/a") == ["/a.md", "/a/1.md", "/a/2.md", "/a/deep/er/3"]
    assert await paths(blobs, prefix="/nowhere") == []
    first = (await blobs.listed(MINE))[0]
    assert first.size == len("/a.md")
    assert abs(first.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


SCOPES = [
    Scope(id="a"),
    Scope(id="A"),
    Scope(id=""),
    Scope(id="."),
    Scope(id=".."),
    Scope(id="../a"),
    Scope(id="a/b"),
    Scope(id="%61"),
    Scope(id="x" * 5_000),
    Scope(id="x" * 5_001),
    Scope(name="user", id="a"),
    Scope(name="project", id="a"),
    Scope(name="organization", id="a"),
    Scope(id="a", tenant="t"),
    Scope(id="a", tenant="T"),
    Scope(id="agent/a", tenant="t"),
    Scope(name="user", id="a", tenant="t"),
    Scope(id="\ud800"),
]


async def test_no_two_scopes_meet(blobs: Blobs) -> None:
    """B-37: each user, project, organization and agent has files of its own, in each tenant."""
    for number, scope in enumerate(SCOPES):
        await blobs.put(scope, "/same/path", b"%d" % number, {}, None)
    for number, scope in enumerate(SCOPES):
        blob = await blobs.get(scope, "/same/path")
        assert blob is not None
        assert blob.data == b"%d" % number
        assert await paths(blobs, scope) == ["/same/path"]


async def test_clearing_a_scope_leaves_others_alone(blobs: Blobs) -> None:
    for path in ("/a", "/b/c"):
        await blobs.put(MINE, path, b"mine", {}, None)
        await blobs.put(YOURS, path, b"yours", {}, None)
    await blobs.clear(MINE)
    assert await paths(blobs) == []
    assert await blobs.get(MINE, "/a") is None
    assert await paths(blobs, YOURS) == ["/a", "/b/c"]
    await blobs.put(MINE, "/a", b"new", {}, None)
    assert await paths(blobs) == ["/a"]


async def test_readers_meet_no_half_written_file(blobs: Blobs) -> None:
    whole = {letter * MIB for letter in (b"a", b"b")}
    version = await blobs.put(MINE, "/file", b"a" * MIB, {}, None)

    async def read() -> bool:
        blob = await blobs.get(MINE, "/file")
        return blob is not None and blob.data in whole

    for _ in range(5):
        seen = asyncio.gather(*(read() for _ in range(8)))
        version = await blobs.put(MINE, "/file", b"b" * MIB, {}, version)
        version = await blobs.put(MINE, "/file", b"a" * MIB, {}, version)
        assert all(await seen)
