"""What a tool sees of the run that calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from sagents.files import Files
from sagents.state import State


def _unheard(_type: str, _data: Mapping[str, JsonValue]) -> None:
    """Where nobody listens, as in a unit test of a tool."""


async def _empty_state() -> State:
    return State()


class _Done:
    """Already done: an async tool may await it, a sync tool need not."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


@dataclass(frozen=True, kw_only=True)
class ToolContext:
    """Ids, scope and reach of one tool call (B-16). A tool asks for it as its first parameter."""

    agent_id: str = ""
    agent_name: str = ""
    conversation_id: str | None = None
    run_id: str = ""
    tool_call_id: str = ""
    scope: Mapping[str, JsonValue] = field(default_factory=dict)
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    attempt: int = 1
    files: Files = field(default_factory=Files, repr=False)
    """The agent's files; `files.of("project")` are those of its project."""
    emit: Callable[[str, Mapping[str, JsonValue]], None] = field(default=_unheard, repr=False)
    read_state: Callable[[], Awaitable[State]] = field(default=_empty_state, repr=False)
    queued: list[str] = field(default_factory=list, repr=False)
    sub_agent_id: str | None = None
    """The sub-agent that calls; `agent_id` is then that of the agent above all, where people watch (B-50)."""
    path: tuple[str, ...] = ()
    """The sub-agents that lead to it by name, outermost first."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this call: after a retry, an edit by a person, or on another worker."""
        return f"{self.sub_agent_id or self.agent_id}:{self.tool_call_id}"

    def progress(self, text: str, **data: JsonValue) -> Awaitable[None]:
        """Tell who watches how far it is. `await` it in an async tool; a sync tool just calls it."""
        news: dict[str, JsonValue] = {"status": "executing", "call_id": self.tool_call_id, "progress": text}
        self.emit("tool_execution_update", {**news, "data": data} if data else news)
        return _Done()

    def queue_message(self, text: str) -> None:
        """Leave a user message for the agent: a run of its own answers it after this one (B-73).

        It counts as a machine's: after ten runs in a row that only machines asked for, a person has to speak (B-76).
        """
        self.queued.append(text)

    async def state(self) -> State:
        """The agent's state as it was when the call began, read when asked for."""
        return await self.read_state()

    def in_thread(self, loop: asyncio.AbstractEventLoop) -> ToolContext:
        """The same context for a thread: what it announces hops back to the loop."""

        def emit(type: str, data: Mapping[str, JsonValue]) -> None:
            with suppress(RuntimeError):  # the loop is closed: a thread that nobody waits for any more
                loop.call_soon_threadsafe(self.emit, type, data)

        return replace(self, emit=emit, files=replace(self.files, emit=emit))
