"""Context variables that follow an agent's work from the program that starts it into every tool (B-60)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from sagents.decisions import Decision
from sagents.errors import InvalidAgent, InvalidInput, InvalidState
from sagents.hooks import HookContext, Middleware
from sagents.interrupts import Interrupt
from sagents.reading import json_value
from sagents.state import State
from sagents.tools import Tool

KEY = "process_context"
"""Where an agent's options hold what was captured."""


@dataclass(frozen=True)
class Propagator:
    """A pair for context that is no plain variable, as that of a tracer.

    `capture()` makes JSON of what holds now, None for nothing; `apply(value)` makes it hold in another task.
    """

    name: str
    capture: Callable[[], JsonValue]
    apply: Callable[[Any], object]


class ProcessContext(Middleware):
    """Makes `keys` and `propagators` hold in hooks and tools as they held where an agent was started or configured.

    What holds there travels in the agent's options, which the program fills: `options=ambient.captured()`. A variable
    that was not set is left as it is. Put it first in `middleware`: what stands before it runs without, as do messages
    to other middleware and the `after_run` hooks of a run that a tool has ended.
    """

    id = "process_context"
    tool_names = ()

    def __init__(self, keys: Sequence[ContextVar[Any]] = (), propagators: Sequence[Propagator] = ()) -> None:
        variables = [Propagator(key.name, *_pair(key)) for key in _all(ContextVar, keys)]
        self.propagators = (*variables, *_all(Propagator, propagators))
        names = [propagator.name for propagator in self.propagators]
        if len(names) != len(set(names)):
            raise InvalidAgent(f"ProcessContext: each key needs a name of its own, not {', '.join(names)}.")

    def captured(self, options: Mapping[str, JsonValue] | None = None) -> dict[str, JsonValue]:
        """These options with what holds in this task now, for `AgentServer.start` and `configure`."""
        values: dict[str, JsonValue] = {}
        for propagator in self.propagators:
            if (value := propagator.capture()) is not None:
                values[propagator.name] = _checked(propagator.name, value)
        return {**(options or {}), KEY: values}

    def apply(self, options: Mapping[str, JsonValue]) -> None:
        """Make what these options carry hold in this task; a factory may do so with its request's."""
        values = options.get(KEY)
        if isinstance(values, Mapping):
            for propagator in self.propagators:
                if propagator.name in values:
                    propagator.apply(values[propagator.name])

    def tools(self, context: HookContext, /) -> tuple[Tool[..., Any], ...]:
        """None; but each tool call asks for them first, in the task in which the tool then runs."""
        self.apply(context.options)
        return ()

    def on_start(self, _: State, context: HookContext, /) -> None:
        self.apply(context.options)

    def before_run(self, _: State, context: HookContext, /) -> None:
        self.apply(context.options)

    def before_model(self, _: State, context: HookContext, /) -> None:
        self.apply(context.options)

    def handle_resume(self, _: Interrupt, __: Decision, ___: State, context: HookContext, /) -> None:
        self.apply(context.options)

    def debug_summary(self) -> JsonValue:
        return {"keys": [propagator.name for propagator in self.propagators]}


def _pair(key: ContextVar[Any]) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    return lambda: key.get(None), key.set


def _all(kind: type[Any], given: Sequence[Any]) -> tuple[Any, ...]:
    values = tuple(given)
    if wrong := [value for value in values if not isinstance(value, kind)]:
        raise InvalidAgent(f"ProcessContext takes {kind.__name__} objects here, not {wrong[0]!r}.")
    return values


def _checked(name: str, value: object) -> JsonValue:
    try:
        return json_value(value, name)
    except InvalidState as error:
        raise InvalidInput(f"{name} cannot travel with an agent: {error}") from None
