"""Telling what happens, while it happens: live events for everyone, observers for middleware and callers.

The types of events are the reference's (B-101), what observers hear of is listed in `sagents.callbacks`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from sagents.clipping import clipped
from sagents.errors import ModelError
from sagents.interrupts import Raised
from sagents.messages import Message, ToolCall
from sagents.plan import CallResult, RunError
from sagents.ports import Delta
from sagents.replies import HALT
from sagents.state import State, StateDelta
from sagents.surroundings import Emit, Surroundings

if TYPE_CHECKING:
    from sagents.agent import Agent

_under_way: set[asyncio.Future[Any]] = set()


class Announcer:
    """Says each thing once, to the event channel and to every observer."""

    def __init__(self, emit: Emit, observers: Iterable[Mapping[str, object]] = ()) -> None:
        self.emit = emit
        self._observers = tuple(observers)

    def prepared(self, state: State, prompt: str, tools: Iterable[str]) -> None:
        """A model is about to be asked. Observers get the state whole, debuggers what fits a channel (B-102)."""
        about: dict[str, JsonValue] = {"tools": [*tools], "metadata": [*state.metadata]}
        counted: dict[str, JsonValue] = {"message_count": len(state.messages)}
        self.emit("after_middleware_state", {**counted, "system_prompt": clipped(prompt), **about})
        self._tell("on_after_middleware", state)

    def delta(self, delta: Delta, stream_id: str, attempt: int) -> None:
        """A piece of a reply. Of one stream the highest attempt counts: what another has said was in vain."""
        news: dict[str, JsonValue] = {"deltas": [delta.model_dump(mode="json")]}
        self.emit("llm_deltas", {**news, "stream_id": stream_id, "attempt": attempt})
        self._tell("on_llm_new_delta", delta)

    def said(self, message: Message, names: Mapping[str, str]) -> None:
        """A whole reply: its text, what it took, and the calls it asks for; `names` are the tools' display texts.

        Its id is that of its stream: whatever was read of it while it streamed gives way to it (B-153).
        """
        self.emit("llm_message", reply_data(message))
        self._tell("on_llm_new_message", message)
        if message.usage:
            self.emit("llm_token_usage", {"usage": message.usage.model_dump(mode="json")})
            self._tell("on_llm_token_usage", message.usage)
        self._tell("on_message_processed", message)
        for asked in message.tool_calls:
            call = asked.but(display_text=asked.display_text or names.get(asked.name))
            self.emit("tool_call_identified", {**_info(call), "arguments": call.arguments, "status": call.status})
            self._tell("on_tool_call_identified", call)

    def attempt_failed(self, error: ModelError, model: str, stream_id: str, attempt: int, *, last: bool) -> None:
        """One try of a model; after the last one the next model has its turn, if there is one."""
        about: dict[str, JsonValue] = {"stream_id": stream_id, "attempt": attempt}
        self.emit("llm_error", {"model": model, "error": str(error), **about, "will_retry": not last})
        self._tell("on_llm_error", error)
        if last:
            self._tell("on_retries_exceeded", error)

    def nonsense(self, error: str) -> None:
        self._tell("on_message_processing_error", error)

    def refused(self, call: ToolCall, outcome: CallResult) -> CallResult:
        """A call that will not run: its tool is unknown, its arguments do not fit, or a policy denies it."""
        self._tell("on_error_message_created", outcome.result)
        return self.ended(call, outcome)

    def started(self, call: ToolCall, arguments: Mapping[str, Any]) -> None:
        self._update(call, "executing", arguments=call.arguments)
        self._tell("on_tool_execution_started", call)
        self._tell("on_tool_pre_execution", call, arguments)

    def ended(self, call: ToolCall, outcome: CallResult) -> CallResult:
        """A call's result, whichever it is; returns it."""
        result = outcome.result
        if outcome.raised:
            self._update(call, "interrupted", result=result.interrupt_data)
            self._tell("on_tool_interrupted", call, result)
            self.halted(outcome.raised, call)
        elif result.is_error:
            self._update(call, "failed", error=result.text)
            self._tell("on_tool_execution_failed", call, result)
        else:
            self._update(call, "completed", result=result.text)
            self._tell("on_tool_execution_completed", call, result)
        self._tell("on_tool_response_created", result)
        if outcome.delta:
            self.todos(outcome.delta)
        return outcome

    def halted(self, raised: Raised, call: ToolCall | None = None) -> None:
        """The work was ended, where that is what was asked for: people read why, once, unless nothing was said."""
        if raised.reason == HALT and raised.message.strip():
            tool = {"tool_call_id": call.call_id, "source_tool": call.name} if call else {}
            self.emit("agent_halted", {"message": raised.message, **tool, **_source(raised)})

    def cancelled(self, call: ToolCall) -> None:
        self._update(call, "cancelled")

    def todos(self, news: State | StateDelta) -> None:
        """The list of todos as it is now, where these news have one."""
        if news.todos is not None:
            self.emit("todos_updated", {"todos": [todo.to_map() for todo in news.todos]})

    def failed(self, error: RunError) -> None:
        """The run failed. Its event is `chain_error`, which goes out with the new status, from where that is known."""
        self._tell("on_error", error)

    def _update(self, call: ToolCall, status: str, **info: JsonValue) -> None:
        self.emit("tool_execution_update", {"status": status, **_info(call), **info})

    def _tell(self, key: str, *values: Any) -> None:
        for observers in self._observers:
            observer = observers.get(key)
            if callable(observer):
                _hear(observer, values)


def announcer_of(agent: Agent, around: Surroundings) -> Announcer:
    """Who tells the agent's middleware and the caller's callbacks, both (B-8), what happens."""
    own: list[Mapping[str, object]] = []
    for middleware in agent.stack:
        with suppress(Exception):  # who cannot say what it wants to hear hears nothing
            own.append(middleware.observers())
    return Announcer(around.emit, (*own, *around.observers))


def reply_data(message: Message) -> dict[str, JsonValue]:
    """What `llm_message` says of a reply."""
    return {"message": message.model_dump(mode="json"), "stream_id": message.id}


def _info(call: ToolCall) -> dict[str, JsonValue]:
    return {"call_id": call.call_id, "name": call.name, "display_text": call.display_text}


def _source(raised: Raised) -> dict[str, JsonValue]:
    """Who a halt comes from, where it says so by itself."""
    return {name: raised.data[name] for name in ("source_tool", "source") if name in raised.data}


def _hear(observer: Callable[..., object], values: tuple[Any, ...]) -> None:
    """Who only listens cannot end a run, whatever it raises."""
    with suppress(Exception):
        heard = observer(*values)
        if inspect.isawaitable(heard):
            task = asyncio.ensure_future(_quiet(heard))
            _under_way.add(task)
            task.add_done_callback(_under_way.discard)


async def _quiet(heard: Awaitable[Any]) -> None:
    with suppress(Exception):
        await heard
