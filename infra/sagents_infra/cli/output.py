"""What commands print: text for people, or one JSON value for programs."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text


def console() -> Console:
    """Prints text as it is: what agents say is no markup."""
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True)


def show(value: Any, text: str | Table | Text, as_json: bool) -> None:
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


def facts(values: Mapping[str, Any]) -> Table:
    """Names and values, those that have one."""
    table = Table.grid(padding=(0, 2))
    for name, value in values.items():
        if value not in (None, "", [], {}):
            table.add_row(Text(name.replace("_", " "), style="dim"), Text(str(value)))
    return table


def brief(text: str, most: int = 200) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
