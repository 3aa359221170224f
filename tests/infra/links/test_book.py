"""What every `LinkBook` promises: one decision for a link, whoever is first, and nothing after it was taken back."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sagents_infra.links.book import LinkBook, LinkRow
from sagents_infra.links.dynamodb import DynamoDBLinkBook
from sagents_infra.links.local import LocalLinkBook
from sagents_infra.links.memory import MemoryLinkBook
from tests.support.tables import Place

pytestmark = pytest.mark.asyncio

NOW = datetime.now(UTC)
NEW = LinkRow(id="lnk_1", until=NOW + timedelta(days=3))


@pytest.fixture(params=["memory", "local", "dynamodb"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LinkBook]:
    if request.param == "memory":
        yield MemoryLinkBook()
        return
    if request.param == "local":
        kept: LocalLinkBook | DynamoDBLinkBook = LocalLinkBook(tmp_path / "links.db")
    else:
        place: Place = request.getfixturevalue("place")
        kept = DynamoDBLinkBook(place.client, place.table)
    yield kept
    kept.close()


async def test_of_a_new_link_nothing_is_known(book: LinkBook) -> None:
    assert await book.get("lnk_1") is None


async def test_the_first_decision_stays_and_comes_back_whole(book: LinkBook) -> None:
    first = await book.change(NEW, lambda row: row.used("approve", "a", NOW))
    second = await book.change(NEW, lambda row: row.used("reject", "b", NOW))
    assert first == second == await book.get("lnk_1")
    assert (first.decision, first.digest, first.decided_at) == ("approve", "a", NOW)


async def test_of_many_at_once_one_wins(book: LinkBook) -> None:
    racing = [book.change(NEW, lambda row, n=n: row.used(f"d{n}", f"{n}", NOW)) for n in range(6)]  # type: ignore[misc]
    rows = await asyncio.gather(*racing)
    assert len({row.digest for row in rows}) == 1


async def test_a_decision_that_was_not_taken_leaves_it_open_for_another(book: LinkBook) -> None:
    await book.change(NEW, lambda row: row.used("approve", "a", NOW))
    assert not (await book.change(NEW, lambda row: row.unused("b"))).is_open
    assert (await book.change(NEW, lambda row: row.unused("a"))).is_open
    assert (await book.change(NEW, lambda row: row.used("reject", "b", NOW))).digest == "b"


async def test_what_was_taken_back_decides_nothing(book: LinkBook) -> None:
    await book.change(NEW, lambda row: row.revoked("ann", NOW))
    row = await book.change(NEW, lambda row: row.used("approve", "a", NOW).revoked("ben", NOW))
    assert (row.digest, row.revoked_by) == (None, "ann")


async def test_links_have_rows_of_their_own(book: LinkBook) -> None:
    await book.change(NEW, lambda row: row.revoked("ann", NOW))
    other = await book.change(NEW.but(id="lnk_2"), lambda row: row.used("approve", "a", NOW))
    assert other.revoked_at is None


async def test_rows_of_links_that_ended_long_ago_are_swept_from_the_file(tmp_path: Path) -> None:
    book = LocalLinkBook(tmp_path / "links.db")
    old = LinkRow(id="old", until=NOW - timedelta(days=2))
    await book.change(old, lambda row: row.revoked("ann", NOW))
    await book.change(NEW, lambda row: row.revoked("ann", NOW))
    assert (await book.get("old"), (await book.get("lnk_1")) is None) == (None, False)
    book.close()
