"""Lines of a text, numbered from 1 as models see them, and what is found and replaced in them (E-98)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pydantic_core import SchemaValidator
from pydantic_core.core_schema import str_schema

from sagents.clipping import clipped
from sagents.errors import FileRefused

ROOM = 50_000
"""Characters of a result: a file is read in parts, and a conversation has to keep them all."""

LARGEST = 20 * 1024 * 1024
"""Bytes that an edit may make of a file."""

NOTHING = "File is empty or start_line is beyond file length."
NOT_FOUND = "String not found. Use a search to locate the exact text, then retry with a corrected `old_string`."


def lines_of(text: str) -> list[str]:
    """The lines. A newline at the end ends the last line and begins none."""
    lines = text.split("\n")
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def rendered(text: str, start_line: int, limit: int) -> str:
    """Numbered lines as `cat -n` has them; a header says which of how many, where they are not all."""
    lines, start = lines_of(text), max(start_line, 1)
    picked = list(_fitting(lines[start - 1 : start - 1 + max(limit, 0)], start))
    if not text or not picked:
        return NOTHING
    last = start + len(picked) - 1
    header = f"Showing lines {start} to {last} of {len(lines)}:\n" if start > 1 or last < len(lines) else ""
    return header + "\n".join(picked)


def numbered(number: int, line: str, sign: str = "") -> str:
    return f"{number:>6}{sign}\t{line}"


def replaced(text: str, old: str, new: str, replace_all: bool) -> tuple[str, int]:
    """The text with `new` for `old`, and how often. Raises `FileRefused` where it is not clear what is meant."""
    if not old:
        raise FileRefused("old_string must not be empty")
    count = text.count(old)
    if count == 0:
        raise FileRefused(NOT_FOUND)
    if count > 1 and not replace_all:
        raise FileRefused(
            f"String appears {count} times. Add more surrounding context to `old_string` to make it unique, "
            f"or pass `replace_all: true` to replace all {count} occurrences."
        )
    if len(text) + count * (len(new) - len(old)) > LARGEST:
        raise FileRefused(f"The file would be larger than {LARGEST} bytes")
    return text.replace(old, new), count


def found(text: str, pattern: str, *, case_sensitive: bool, context_lines: int, max_results: int) -> str:
    """The lines that match, each with the lines around it; empty where none does."""
    matches = expression(pattern if case_sensitive else f"(?i){pattern}")
    lines = lines_of(text)
    numbers = [number for number, line in enumerate(lines, start=1) if matches(line)]
    shown, room = list[str](), ROOM
    for number in numbers[: max(max_results, 0)]:
        block = _around(lines, number, max(context_lines, 0))
        room -= len(block) + 1
        if room < 0 and shown:
            break
        shown.append(clipped(block, ROOM))
    truncated = f"\n\n(Results truncated at {len(shown)} matches)" if len(shown) < len(numbers) else ""
    return "\n".join(shown) + truncated


def expression(pattern: str) -> Callable[[str], bool]:
    """Whether a line matches somewhere, in linear time: there is no look-around and no back-reference.

    Raises `FileRefused` for what is no regular expression.
    """
    try:
        return SchemaValidator(str_schema(pattern=pattern)).isinstance_python
    except Exception as error:
        said = re.search(r"error: (.+)", str(error)) or re.search(r"(Compiled regex .+)", str(error))
        raise FileRefused(f"Invalid regex pattern: {said[1] if said else pattern}") from None


def _fitting(lines: list[str], start: int) -> Iterator[str]:
    """As many of the lines as there is room for; one that alone is too long, clipped."""
    room = ROOM
    for number, line in enumerate(lines, start=start):
        text = numbered(number, line)
        if len(text) > room and number > start:
            return
        yield clipped(text, ROOM)
        room -= len(text) + 1


def _around(lines: list[str], number: int, context: int) -> str:
    first, last = max(number - context, 1), min(number + context, len(lines))
    return "\n".join(numbered(n, lines[n - 1], "" if n == number else " |") for n in range(first, last + 1))
