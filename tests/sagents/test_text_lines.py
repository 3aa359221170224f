"""Lines as models see them (E-98)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagents import FileRefused
from sagents.text_lines import NOTHING, ROOM, found, lines_of, rendered, replaced


def find(text: str, pattern: str, *, case: bool = True, context: int = 0, most: int = 50) -> str:
    return found(text, pattern, case_sensitive=case, context_lines=context, max_results=most)


def test_a_newline_at_the_end_ends_the_last_line() -> None:
    assert lines_of("a\nb\nc\n") == lines_of("a\nb\nc") == ["a", "b", "c"]
    assert lines_of("a\n\n") == ["a", ""]
    assert lines_of("\n") == lines_of("") == [""]


def test_lines_are_numbered_as_cat_does() -> None:
    assert rendered("one\n\tthree\n", 1, 2000) == "     1\tone\n     2\t\tthree"


@pytest.mark.parametrize(
    ("start", "limit", "shown"),
    [
        (1, 2, "Showing lines 1 to 2 of 3:\n     1\ta\n     2\tb"),
        (2, 9, "Showing lines 2 to 3 of 3:\n     2\tb\n     3\tc"),
        (0, 9, "     1\ta\n     2\tb\n     3\tc"),
        (4, 9, NOTHING),
        (1, 0, NOTHING),
    ],
)
def test_a_part_says_which_of_how_many_lines_it_is(start: int, limit: int, shown: str) -> None:
    assert rendered("a\nb\nc\n", start, limit) == shown


def test_an_empty_file_says_so_and_a_blank_one_is_shown() -> None:
    """E-96."""
    assert rendered("", 1, 2000) == "File is empty or start_line is beyond file length."
    assert rendered(" \n\t\n", 1, 2000) == "     1\t \n     2\t\t"


def test_long_files_are_read_in_parts_however_long_their_lines() -> None:
    text = "".join(f"{n} {'x' * 1_000}\n" for n in range(1, 201))
    seen, start = list[int](), 1
    while (part := rendered(text, start, 2_000)) != NOTHING:
        assert len(part) <= ROOM + 100
        numbers = [int(line[:6]) for line in part.splitlines()[1:]]
        seen, start = seen + numbers, numbers[-1] + 1
    assert seen == list(range(1, 201))
    assert len(rendered("x" * 10 * ROOM, 1, 2_000)) <= ROOM


def test_a_text_is_replaced_where_it_is_there_once() -> None:
    assert replaced("a b c", "b", "x", False) == ("a x c", 1)
    assert replaced("a b b", "b", "x", True) == ("a x x", 2)


@pytest.mark.parametrize(
    ("old", "why"),
    [
        ("z", "String not found. Use a search to locate the exact text, then retry with a corrected `old_string`."),
        ("b", "String appears 2 times. Add more surrounding context to `old_string` to make it unique, or pass"),
        ("", "old_string must not be empty"),
    ],
)
def test_what_is_not_there_once_is_refused(old: str, why: str) -> None:
    with pytest.raises(FileRefused) as refused:
        replaced("a b b", old, "x", False)
    assert str(refused.value).startswith(why)


def test_replacing_cannot_make_a_file_of_any_size() -> None:
    with pytest.raises(FileRefused, match="larger than"):
        replaced("a" * 1_000_000, "a", "b" * 1_000_000, True)


def test_matching_lines_are_found_with_the_lines_around_them() -> None:
    text = "one\ntwo\nthree\nfour\n"
    assert find(text, "t.*e") == "     3\tthree"
    assert find(text, "three", context=1) == "     2 |\ttwo\n     3\tthree\n     4 |\tfour"
    assert find(text, "THREE") == ""
    assert find(text, "THREE|^O", case=False) == "     1\tone\n     3\tthree"


def test_more_matches_than_wanted_or_than_there_is_room_for_say_so() -> None:
    assert find("a\n" * 60, "a").endswith("    50\ta\n\n(Results truncated at 50 matches)")
    assert find("a\na\n", "a", most=2).endswith("     2\ta")
    many = find("x" * 9_000 + "\n" + ("y" * 9_000 + "\n") * 20, "[xy]")
    assert len(many) < ROOM + 100
    assert many.endswith("(Results truncated at 5 matches)")
    assert len(find("x" * 10 * ROOM, "x")) <= ROOM


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a(?=b)", r"(a)\1", "*", "a{9999}{9999}"])
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    with pytest.raises(FileRefused, match="Invalid regex pattern: "):
        find("abc", pattern)


def test_no_expression_keeps_a_worker_busy() -> None:
    began = time.perf_counter()
    assert find("a" * 50_000 + "!", "^(a+)+$") == ""
    assert time.perf_counter() - began < 60


@given(st.text(alphabet="ab\n", max_size=40), st.integers(1, 9), st.integers(1, 9))
def test_what_is_shown_is_what_the_file_has(text: str, start: int, limit: int) -> None:
    shown = rendered(text, start, limit)
    if shown == NOTHING:
        assert not text or start > len(lines_of(text))
        return
    picked = [line.split("\t", 1) for line in shown.split("\n") if not line.startswith("Showing")]
    assert [line for _, line in picked] == lines_of(text)[start - 1 : start - 1 + limit]
    assert [int(number) for number, _ in picked] == list(range(start, start + len(picked)))
