"""What commands print: text for people, or one JSON value for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text


def console() -> Console:
    """Prints text as it is: what agents say is no markup."""
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True)


def show(value: Any, text: str | Text, as_json: bool) -> None:
    """Print one answer."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
    else:
        console().print(text)


def whole(model: BaseModel) -> dict[str, Any]:
    """All fields of a value, those at their default too: programs that read JSON like to find them.

    Fields that are never saved are left out.
    """
    names = [name for name, field in type(model).model_fields.items() if not field.exclude]
    return {name: to_jsonable_python(getattr(model, name)) for name in names}


def facts(values: Mapping[str, Any]) -> Text:
    """Names and values below each other, those that have one."""
    shown = {
        name.replace("_", " "): plain(str(value)) for name, value in values.items() if value not in (None, "", [], {})
    }
    width = max(map(cell_len, shown), default=0)
    lines = [Text(f"{name:<{width}}  ", style="dim") + Text(value, style="not dim") for name, value in shown.items()]
    return Text("\n").join(lines)


def aligned(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Text:
    """Rows below each other under names. Nothing is cut or wrapped: what is piped on is whole."""
    rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, cells)) for cells in zip(names, *rows, strict=True)]
    head, *lines = [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (names, *rows)
    ]
    return Text("\n").join([Text(head, style="dim"), *map(Text, lines)])


def plain(text: str) -> str:
    """A text without what a terminal obeys: nobody who is asked about a call may be shown another one."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def brief(text: str, most: int = 200) -> str:
    """A text on one line, cut where it is long."""
    line = plain(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"
