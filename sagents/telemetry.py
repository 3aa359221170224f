"""Telemetry: who wants to count and measure attaches a handler and hears, in this process, what happens (L-67).

    def measure(event, measurements, metadata, config):
        statsd.timing(".".join(event), measurements["duration_ms"])

    telemetry.attach_many("my-metrics", [telemetry.EXECUTION_STOP, telemetry.LLM_RESPONSE], measure)

A handler is called where the thing happens, so it should be quick. Activities execute these events, never a replay;
what an activity does twice is told twice. Every measurement has `count` (1) and `system_time`, Unix time in seconds;
every metadata has `agent_id`, `agent` (the name it is registered under) and `conversation_id`; a sub-agent's has
`parent_agent_id`, `root_agent_id` and `root_run_id`. What more there is:
"""

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

from sagents.errors import InvalidInput

EventName = tuple[str, ...]
Values = dict[str, Any]
Handler = Callable[[EventName, Values, Values, Any], object]
"""Called with event, measurements, metadata and the config that it was attached with. It owns the two dicts."""

AGENT_START: EventName = ("sagents", "agent", "start")
"""An agent begins to live: new, or back from sleep. Metadata: `restored`, whether its state came from the store."""

AGENT_STOP: EventName = ("sagents", "agent", "stop")
"""It has left. Measurements: `duration_ms` since it began. Metadata: `status`, `reason` (inactivity, manual, ...)."""

AGENT_CRASH: EventName = ("sagents", "agent", "crash")
"""Its workflow failed, or a run ended by an unexpected exception. Metadata: `status`, `error`; of a run `run_id`."""

AGENT_HALT: EventName = ("sagents", "agent", "halt")
"""A tool or middleware has stopped a run with a halt (B-96). Metadata: `run_id`, `reason`."""

EXECUTION_START: EventName = ("sagents", "execution", "start")
"""A run begins. Metadata: `run_id`."""

EXECUTION_STOP: EventName = ("sagents", "execution", "stop")
"""A run has ended. Measurements: `duration_ms`. Metadata: `run_id`, `status` (now the agent's), `reason`, `error`,

`error_type`.
"""

EXECUTION_INTERRUPT: EventName = ("sagents", "execution", "interrupt")
"""A run waits for a person. Measurements: `duration_ms` so far. Metadata: `run_id`, `status`, `reason` (tool_call)."""

LLM_REQUEST: EventName = ("sagents", "llm", "request")
"""A model is asked. Metadata: `run_id`, `model`, `attempt` (from 1)."""

LLM_RESPONSE: EventName = ("sagents", "llm", "response")
"""It has answered. Measurements: `duration_ms`, `input_tokens`, `output_tokens`. Metadata: as in the request."""

LLM_ERROR: EventName = ("sagents", "llm", "error")
"""It has not. Measurements: `duration_ms`. Metadata: as in the request, `error`, its `kind`, `will_retry`."""

TOOL_START: EventName = ("sagents", "tool", "start")
"""A tool begins to work on a call. Metadata: `run_id`, `tool`, `tool_call_id`, `attempt`."""

TOOL_STOP: EventName = ("sagents", "tool", "stop")
"""It has ended, or the sub-agent that answers the call has. Measurements: `duration_ms`. Metadata: as in the start,

`status` (completed, failed, interrupted, cancelled), `error` where there is one, `sub_agent_id` of a sub-agent.
"""

MIDDLEWARE_MESSAGE_RECEIVED: EventName = ("sagents", "middleware", "message", "received")
"""A middleware gets a message of its own (L-68). Metadata: `middleware`."""

MIDDLEWARE_TASK_SPAWNED: EventName = ("sagents", "middleware", "task", "spawned")
"""A middleware's background task begins. Metadata: `middleware`, `task`."""

MIDDLEWARE_TASK_COMPLETED: EventName = ("sagents", "middleware", "task", "completed")
"""It is done. Measurements: `duration_ms`. Metadata: as when it was spawned."""

MIDDLEWARE_TASK_FAILED: EventName = ("sagents", "middleware", "task", "failed")
"""It has failed. Measurements: `duration_ms`. Metadata: as when it was spawned, and `error`."""

EVENTS: tuple[EventName, ...] = (
    *(AGENT_START, AGENT_STOP, AGENT_CRASH, AGENT_HALT),
    *(EXECUTION_START, EXECUTION_STOP, EXECUTION_INTERRUPT),
    *(LLM_REQUEST, LLM_RESPONSE, LLM_ERROR),
    *(TOOL_START, TOOL_STOP),
    *(MIDDLEWARE_MESSAGE_RECEIVED, MIDDLEWARE_TASK_SPAWNED, MIDDLEWARE_TASK_COMPLETED, MIDDLEWARE_TASK_FAILED),
)
"""All there are: the nine of the document (L-67), those of its code (L-68), and what tools do."""

log = logging.getLogger("sagents")


class _Attached(NamedTuple):
    handler_id: str
    events: frozenset[EventName]
    handler: Handler
    config: Any


_lock = Lock()
_attached: dict[str, _Attached] = {}  # replaced as a whole, so that reading takes no lock


def attach(handler_id: str, event: Sequence[str], handler: Handler, config: Any = None) -> None:
    """Call `handler` at each such event, until `detach`. An id that is in use is `InvalidInput`."""
    attach_many(handler_id, [event], handler, config)


def attach_many(handler_id: str, events: Iterable[Sequence[str]], handler: Handler, config: Any = None) -> None:
    """The same for several events, under one id."""
    global _attached
    wanted = _Attached(handler_id, frozenset(map(_known, events)), _plain(handler), config)
    with _lock:
        if handler_id in _attached:
            raise InvalidInput(f"A handler is attached as {handler_id!r} already; `detach` it or take another id.")
        _attached = {**_attached, handler_id: wanted}


def detach(handler_id: str) -> bool:
    """Call this handler no more; False where there is none. One call that is under way still ends."""
    return _remove(_attached.get(handler_id))


def execute(event: EventName, measurements: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Call whoever is attached, in the order in which they were. A handler that raises is detached and logged."""
    for attached in _attached.values():
        if event in attached.events:
            try:
                attached.handler(event, dict(measurements), dict(metadata), attached.config)
            except (Exception, asyncio.CancelledError):  # cancelled is a future of its own: nothing is awaited here
                _remove(attached)
                name = ".".join(event)
                log.exception("telemetry handler %r raised at %s and was detached", attached.handler_id, name)


def _remove(attached: _Attached | None) -> bool:
    """Detach this very one, not another that has its id since."""
    global _attached
    with _lock:
        if attached is None or _attached.get(attached.handler_id) is not attached:
            return False
        _attached = {name: other for name, other in _attached.items() if other is not attached}
        return True


def _known(event: Sequence[str]) -> EventName:
    name = tuple(event)
    if name not in EVENTS:
        known = ", ".join(".".join(event) for event in EVENTS)
        raise InvalidInput(f"There is no telemetry event {event!r}. There are: {known}.")
    return name


def _plain(handler: Handler) -> Handler:
    if not callable(handler) or inspect.iscoroutinefunction(handler):
        raise InvalidInput(f"A telemetry handler is a plain function of four arguments, not {handler!r}.")
    return handler
