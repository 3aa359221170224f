"""Names taken once: what is registered twice fails where it is written, at import, and not in production."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sagents.awaiting import called
from sagents.errors import InvalidAgent

Entry = TypeVar("Entry")
Named = TypeVar("Named")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Registry(Generic[Entry]):
    """Entries of one kind by name, in the order of their registration."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, Entry] = {}
        self._places: dict[str, str] = {}

    def add(self, name: str, entry: Entry, source: Named) -> Named:
        """Take the name; returns what was registered, so that a decorator leaves it as it was."""
        self.check_name(name)
        place = _place(source)
        if name in self._entries:
            raise InvalidAgent(f"Two {self._kind}s are registered as {name!r}: {self._places[name]} and {place}.")
        self._entries[name], self._places[name] = entry, place
        return source

    def check_name(self, name: object) -> None:
        """Raises `InvalidAgent` for what is no name, as the function below a decorator without parentheses."""
        if callable(name):
            raise InvalidAgent(f'Write `@app.{self._kind}("a name")`: the decorator needs a name.')
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InvalidAgent(f"{name!r} is no name: up to 100 letters, digits and . _ - are allowed.")

    @property
    def entries(self) -> Mapping[str, Entry]:
        return MappingProxyType(self._entries)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)


@dataclass(frozen=True)
class Saver:
    """Where an application saves states itself."""

    function: Callable[..., Any]
    takes_context: bool = False

    async def save(self, agent_id: str, exported_state: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        """Hand an export over; the context goes along where the function takes one."""
        more = (context,) if self.takes_context else ()
        await called(self.function, agent_id, exported_state, *more)


def checked_factory(name: str, factory: Callable[..., Any]) -> Callable[..., Any]:
    """The factory, if it takes a request."""
    if not _takes(factory, 1):
        raise InvalidAgent(f"The factory of {name!r} has to take one argument, the AgentRequest.")
    return factory


def checked_saver(name: str, function: Callable[..., Any]) -> Saver:
    """The saver, if it takes what it will get."""
    if not _takes(function, 2) and not _takes(function, 3):
        raise InvalidAgent(f"The saver {name!r} has to take (agent_id, exported_state) and, if it likes, a context.")
    return Saver(function, takes_context=_takes(function, 3))


def _takes(function: object, count: int) -> bool:
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def _place(source: object) -> str:
    module, name = getattr(source, "__module__", None), getattr(source, "__qualname__", None)
    return f"{module}.{name}" if module and name else repr(source)
