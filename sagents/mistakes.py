"""What is wrong with a model's arguments: a text for the model, and where each mistake is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from sagents.errors import SagentsError
from sagents.pointers import pointer, pointer_into

SHOWN = 10
"""How many mistakes one answer lists."""


class Mistake(NamedTuple):
    """One thing that is wrong with a tool's arguments, and where."""

    text: str
    pointer: str = ""


class InvalidArguments(SagentsError, ValueError):
    """A model's arguments do not fit a tool. The message is for the model: what is wrong with which parameter.

    `mistakes` are the same in single lines, and `pointers` (RFC 6901) say where in the arguments each of them is.
    """

    def __init__(self, message: str, mistakes: Sequence[Mistake] = ()) -> None:
        self.mistakes = tuple(mistake.text for mistake in mistakes)
        self.pointers = tuple(mistake.pointer for mistake in mistakes)
        super().__init__(message)


def explained(problem: ErrorDetails, known: list[str], values: dict[str, Any]) -> Mistake:
    return Mistake(_told(problem, known), pointer_into(values, problem["loc"], absent=problem["type"] == "missing"))


def _told(problem: ErrorDetails, known: list[str]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]).lstrip(".")
    match problem["type"]:
        case "missing":
            return _lacks(path)
        case "extra_forbidden" if len(problem["loc"]) == 1:
            return _has_no(path, known)
        case _:
            return f"{path}: {problem['msg']}, got {short(problem['input'])}"


def missing(name: str) -> Mistake:
    return Mistake(_lacks(name), pointer([name]))


def unknown(name: str, known: list[str]) -> Mistake:
    return Mistake(_has_no(name, known), pointer([name]))


def _lacks(name: str) -> str:
    return f"{name}: required, but missing"


def _has_no(name: str, known: list[str]) -> str:
    return f"{name}: there is no such parameter; the tool takes {', '.join(known) or 'none'}"


def short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def refusal(tool: str, problems: list[Mistake]) -> InvalidArguments:
    shown, more = problems[:SHOWN], len(problems) - SHOWN
    lines = "\n".join(
        f"- {line}" for line in (*(p.text for p in shown), *([f"... and {more} more"] if more > 0 else ()))
    )
    text = f"Invalid arguments for tool '{tool}':\n{lines}\nCorrect them and call the tool again."
    return InvalidArguments(text, shown)
