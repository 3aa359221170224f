"""A file for each run, in which a developer reads what happened (B-60)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from pydantic import JsonValue
from pydantic_core import to_json

from sagents.callbacks import Callbacks
from sagents.clipping import clipped
from sagents.decisions import Decision
from sagents.errors import InvalidAgent
from sagents.hooks import HookContext, Middleware
from sagents.interrupts import Interrupt
from sagents.log_files import Page, flushed, written
from sagents.messages import Message
from sagents.state import State
from sagents.tools import Tool

_pages: ContextVar[Mapping[str, tuple[Page, Callable[[], datetime]]]] = ContextVar(
    "sagents_debug_log", default=MappingProxyType({})
)
"""By a middleware's id: where the run that this task works for is logged. Observers are told nothing of their run."""


class DebugLog(Middleware):
    """Writes hooks and callbacks of each run to `{log_dir}/{prefix}_{time}_{agent}_{run}.log`.

    A line is a time, a name and JSON of `inspect_limit` characters at most; `pretty` spreads it over lines, and with
    `log_deltas` each piece of a reply has one. Files hold what people say. Nothing waits for them, and where they
    cannot be written nothing happens. Not `enabled`, it does nothing at all.
    """

    id = "debug_log"
    tool_names = ()

    def __init__(
        self,
        log_dir: str | Path = "logs",
        prefix: str = "agent",
        *,
        enabled: bool = True,
        log_deltas: bool = False,
        pretty: bool = False,
        inspect_limit: int = 10_000,
        id: str = id,
    ) -> None:
        if isinstance(inspect_limit, bool) or not isinstance(inspect_limit, int) or inspect_limit < 1:
            raise InvalidAgent(f"DebugLog: inspect_limit is a number of characters, not {inspect_limit!r}.")
        self.id, self.folder, self.prefix, self.enabled = id, Path(log_dir), prefix, enabled
        self.log_deltas, self.pretty, self.limit = log_deltas, pretty, inspect_limit

    async def flush(self) -> None:
        """Wait until what was logged so far is in its files."""
        await asyncio.wrap_future(flushed())

    def tools(self, context: HookContext, /) -> tuple[Tool[..., Any], ...]:
        """None; but each tool call asks for them first, and so the call's task learns which run it works for."""
        self._open(context)
        return ()

    def on_start(self, state: State, context: HookContext, /) -> None:
        self._log(context, "on_start", state)

    def before_run(self, state: State, context: HookContext, /) -> None:
        self._log(context, "before_run", state)

    def before_model(self, state: State, context: HookContext, /) -> None:
        self._log(context, "before_model", state)

    def after_model(self, state: State, context: HookContext, /) -> None:
        self._log(context, "after_model", state)

    def after_run(self, state: State, context: HookContext, /) -> None:
        self._log(context, "after_run", state)

    def handle_message(self, message: JsonValue, state: State, context: HookContext, /) -> None:
        self._log(context, "handle_message", message, state)

    def handle_resume(self, interrupt: Interrupt, decision: Decision, state: State, context: HookContext, /) -> None:
        self._log(context, "handle_resume", interrupt, decision, state)

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        self._heard("restorable_interrupt", dict(data))
        return False

    def transform_display_message(self, message: Message, /) -> Message:
        self._heard("transform_display_message", message)
        return message

    def observers(self) -> Callbacks:
        if not self.enabled:
            return {}
        wanted = Callbacks.__optional_keys__ - (set() if self.log_deltas else {"on_llm_new_delta"})
        return cast(Callbacks, {key: partial(self._heard, key) for key in wanted})

    def debug_summary(self) -> JsonValue:
        return {"enabled": self.enabled, "log_dir": str(self.folder), "prefix": self.prefix}

    def _log(self, context: HookContext, name: str, *values: object) -> None:
        self._open(context)
        self._heard(name, *values)

    def _open(self, context: HookContext) -> None:
        if self.enabled:
            page = Page(self.folder, self.prefix, context.agent_id, context.run_id)
            _pages.set({**_pages.get(), self.id: (page, context.now)})

    def _heard(self, name: str, *values: object) -> None:
        if self.enabled and self.id in _pages.get():
            page, now = _pages.get()[self.id]
            at = now()
            written(page, at, partial(self._line, at, name, values))

    def _line(self, at: datetime, name: str, values: tuple[object, ...]) -> str:
        shown = [_shown(value) for value in values]
        text = to_json(shown[0] if len(shown) == 1 else shown, fallback=str, indent=2 if self.pretty else None)
        separator = "\n" if self.pretty else " "
        return f"{at.isoformat()} {name}{separator}{clipped(text.decode(errors='replace'), self.limit)}\n"


def _shown(value: object) -> object:
    """A state as what is new in it: all of it would be in the file again and again."""
    if not isinstance(value, State):
        return value
    newest = value.messages[-1] if value.messages else None
    return {"messages": len(value.messages), "newest": newest, "todos": value.todos, "metadata": value.metadata}
