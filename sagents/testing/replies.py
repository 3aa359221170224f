"""What a scripted model says, one reply after the other."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ParamSpec

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from sagents.errors import ModelError, ModelErrorKind
from sagents.tools import Tool

P = ParamSpec("P")


@dataclass(frozen=True)
class Asked:
    """A call that a reply asks for."""

    name: str
    arguments: dict[str, JsonValue] | str


@dataclass(frozen=True)
class Reply:
    """One reply: a text, calls, or both. `a & b` is one reply that says and asks for what both do."""

    text: str = ""
    calls: tuple[Asked, ...] = ()
    every: timedelta | None = None

    def __and__(self, other: Reply) -> Reply:
        text = " ".join(part for part in (self.text, other.text) if part)
        return replace(self, text=text, calls=self.calls + other.calls, every=self.every or other.every)

    def __str__(self) -> str:
        asked = [f"a call of {call.name}" for call in self.calls]
        return " and ".join([repr(self.text)] * bool(self.text) + asked) or "an empty reply"


@dataclass(frozen=True)
class Failure:
    """Tries that fail before the next reply comes."""

    message: str
    kind: ModelErrorKind = ModelErrorKind.RETRY
    retry_after: timedelta | None = None
    partial: str = ""
    times: int = 1

    @property
    def error(self) -> ModelError:
        return ModelError(self.message, self.kind, self.retry_after)

    def __str__(self) -> str:
        return f"the failure {self.message!r}"


def says(text: str, *, every: timedelta | None = None) -> Reply:
    """A text, streamed word by word; `every` is the time that each word takes."""
    return Reply(text=text, every=every)


def calls(tool: Tool[P, Any], /, *args: P.args, **arguments: P.kwargs) -> Reply:
    """A call of the tool. Its arguments are checked like those of the function: a wrong name is a type error."""
    signature = inspect.signature(tool.function)
    if tool.takes_context:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    signature.bind(*args, **arguments)
    return calls_raw(
        tool.name, to_jsonable_python({**dict(zip(signature.parameters, args, strict=False)), **arguments})
    )


def calls_raw(name: str, arguments: Mapping[str, JsonValue] | str | None = None) -> Reply:
    """A call as a confused model may make it: an unknown tool, wrong arguments, or a text that is no JSON."""
    given = arguments if isinstance(arguments, str) else dict(arguments or {})
    return Reply(calls=(Asked(name, given),))


def fails(
    message: str = "the model is overloaded",
    *,
    kind: ModelErrorKind = ModelErrorKind.RETRY,
    retry_after: timedelta | None = None,
    partial: str = "",
    times: int = 1,
) -> Failure:
    """`times` tries fail, each after having streamed `partial`; then the next reply comes."""
    return Failure(message, kind, retry_after, partial, times)
