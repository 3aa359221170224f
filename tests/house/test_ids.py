"""`make ids` reads citations as people write them."""

import pytest

from tools.ids import asked, citations

FAMILY = "L"  # spelled apart below, so that the samples are no citations themselves


def sample(text: str) -> str:
    return text.replace("#", f"{FAMILY}-")


@pytest.mark.parametrize("range_", ["#3…#5", "#3..#5", "#3...5", "#3–5", "#3..5"])
def test_a_range_counts_whole_where_ranges_count(range_: str) -> None:
    assert citations(sample(range_), ranges=True) == {sample("#3"), sample("#4"), sample("#5")}


def test_a_range_in_a_test_counts_for_its_ends_only() -> None:
    assert citations(sample("#3…#5"), ranges=False) == {sample("#3"), sample("#5")}


def test_ids_are_found_among_words() -> None:
    assert citations(sample("shows #3, #40; not X-1 or A#9"), ranges=True) == {sample("#3"), sample("#40")}


def test_asking_for_some_keeps_their_order_and_asking_for_none_means_all() -> None:
    known = {sample("#1"): "one", sample("#2"): "two", sample("#10"): "ten"}
    assert asked([sample("#10"), sample("#1..#2")], known) == list(known)
    assert asked([sample("#2")], known) == [sample("#2")]
    assert asked([], known) == list(known)
