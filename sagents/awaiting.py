"""Functions of applications that may be async or sync, and how they are called."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar, cast

T = TypeVar("T")
MaybeAwaitable: TypeAlias = Awaitable[T] | T


async def called(function: Callable[..., MaybeAwaitable[T]], /, *arguments: Any) -> T:
    """What it answers, be it async or sync."""
    answer = function(*arguments)
    return cast(T, await answer) if inspect.isawaitable(answer) else answer
