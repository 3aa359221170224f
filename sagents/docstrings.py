"""What a docstring says to a model: the description, and a line for each parameter (Google style)."""

import inspect
import re
from collections.abc import Callable
from typing import Any

_SECTION = re.compile(r"^(?:args|arguments|parameters):\s*$", re.IGNORECASE)
_ENTRY = re.compile(r"^\*{0,2}(?P<name>\w+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)$")


def read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The docstring without its `Args:` section, and what that section says of each parameter."""
    lines = (inspect.getdoc(function) or "").splitlines()
    start = next((n for n, line in enumerate(lines) if _SECTION.match(line)), len(lines))
    end = next((n for n in range(start + 1, len(lines)) if lines[n] and not lines[n][0].isspace()), len(lines))
    kept = "\n".join([*lines[:start], *lines[end:]])
    return re.sub(r"\n{3,}", "\n\n", kept).strip(), _entries(lines[start + 1 : end])


def _entries(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    name, margin = "", _indent(lines[0]) if lines else 0
    for line in filter(str.strip, lines):
        entry = _ENTRY.match(line.strip()) if _indent(line) <= margin else None
        if entry:
            name = entry["name"]
            found[name] = [entry["text"]]
        elif name:
            found[name].append(line.strip())
    return {name: " ".join(filter(None, texts)) for name, texts in found.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
