"""Functions that people write as options: how many arguments one takes, and what it answers, be it async or sync."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sagents.errors import InvalidAgent


@dataclass(frozen=True)
class UserFunction:
    """A function of one argument, or of that and a second one."""

    function: Callable[..., Any]
    takes_both: bool

    async def __call__(self, first: Any, second: Any) -> Any:
        answer = self.function(first, second) if self.takes_both else self.function(first)
        return await answer if inspect.isawaitable(answer) else answer


def user_function(option: str, function: Callable[..., Any]) -> UserFunction:
    """The function, ready to be called with both arguments. One that would do with the first gets the first alone:

    `lambda a, limit=100: ...` keeps its limit. Raises `InvalidAgent` where neither one nor two arguments do.
    """
    return UserFunction(function, takes_two(option, function))


def takes_two(option: str, function: Callable[..., Any]) -> bool:
    """Whether a function needs a second argument."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions in C cannot tell
        return False
    for count in (1, 2):
        if _takes(signature, count):
            return count == 2
    raise InvalidAgent(f"{option} is a function of one argument or two, not one of `{signature}`.")


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it only begins the work."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
