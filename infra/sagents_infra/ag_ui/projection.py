"""An agent's events as a client of AG-UI 1.0 reads them: a small state machine, one per watcher, without any effect.

status   running ────────────────────── interrupted ─ running ───────────── idle
AG-UI    RUN_STARTED … TOOL_CALL_START … RUN_FINISHED  RUN_STARTED … RESULT … RUN_FINISHED
                                         (interrupt)                          (success)
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ag_ui.core import PROTOCOL_VERSION, BaseEvent, Message, RunStartedEvent

from sagents.events import Event
from sagents.interrupts import Interrupt
from sagents.status import Status
from sagents_infra.ag_ui.closing import Rest, Usage, ended
from sagents_infra.ag_ui.interrupts import paused
from sagents_infra.ag_ui.lanes import Lane
from sagents_infra.ag_ui.shared_state import SharedState
from sagents_infra.ag_ui.sub_agents import SubAgents
from sagents_infra.ag_ui.transcript import Transcript
from sagents_infra.ag_ui.waiting import Waiting

WORK = frozenset({"llm_deltas", "llm_message", "tool_call_identified", "tool_execution_update", "subagent_started"})
"""What shows that a run is under way, to who has not heard its beginning."""


def project(
    events: Iterable[Event],
    *,
    thread_id: str | None = None,
    messages: Iterable[Message] = (),
    state: Mapping[str, Any] | None = None,
) -> Iterator[BaseEvent]:
    """An agent's events in the terms of AG-UI. `messages` and `state` are what the client has before the first one.

    The thread is the agent unless it is named. A run that is under way at the end stays open.
    """
    projection: Projection | None = None
    for event in events:
        projection = projection or Projection(thread_id or event.agent_id, messages=messages, state=state)
        yield from projection.tell(event)


class Projection:
    """What one watcher was told, and what the next event is to it.

    Between runs AG-UI can tell nothing; what happens then waits for the beginning of the next run.
    """

    def __init__(
        self, thread_id: str, *, messages: Iterable[Message] = (), state: Mapping[str, Any] | None = None
    ) -> None:
        self.thread_id = thread_id
        self.transcript = Transcript(messages)
        self.state = SharedState(state or {})
        self.waiting = Waiting()
        self.run_id: str | None = None
        """The AG-UI run that is open; None between runs."""
        self._lane, self._below = Lane(self.transcript), SubAgents(self.transcript)
        self._held: list[Event] = []
        self._heard_status = False
        self._runs = 0
        self._usage = Usage()

    def tell(self, event: Event) -> Iterator[BaseEvent]:
        """What the next event is."""
        return self._noted(self._told(event), event.at)

    def begin(self, run_id: str, at: datetime, *, restate: bool = False, **more: Any) -> Iterator[BaseEvent]:
        """Open a run under this id: the state from which it starts, then what has waited for that.

        With `restate` all messages are told first, for a client that was away.
        """
        return self._noted(self._begin(run_id, restate=restate, **more), at)

    def finish(self, rest: Rest, at: datetime) -> Iterator[BaseEvent]:
        """Close the run that is open: all that it opened, then itself."""
        return self._noted(self._finish(rest), at)

    def _noted(self, events: Iterator[BaseEvent], at: datetime) -> Iterator[BaseEvent]:
        for event in events:
            self.transcript.told(event)
            yield event.model_copy(update={"timestamp": int(at.timestamp() * 1000)})

    def _told(self, event: Event) -> Iterator[BaseEvent]:
        if event.type.startswith("approval."):
            self.waiting.note(event)
        match event.type:
            case _ if event.path:
                yield from self._work(event, self._below)
            case "status_changed":
                yield from self._status(event)
            case "todos_updated":
                yield from self._share("todos", event.data["todos"])
            case "conversation_title_generated":
                yield from self._share("title", event.data["title"])
            case "reset":
                yield from self._reset(event.data["snapshot"])
            case "chain_error":
                return
            case _:
                yield from self._work(event, self._lane)

    def _status(self, event: Event) -> Iterator[BaseEvent]:
        self._heard_status = True
        rest = Rest.told(event.data)
        if rest is not None:
            yield from self._finish(rest)
        elif self.run_id is None and event.data["status"] == Status.RUNNING:
            yield from self._begin(self._next_run(event))
        yield from self._share("status", event.data["status"])

    def _work(self, event: Event, whom: Lane | SubAgents) -> Iterator[BaseEvent]:
        """What the agent does. A run opens by its status, or by the first work for those who have heard no status."""
        if self.run_id is None and event.type in WORK and not self._heard_status:
            yield from self._begin(self._next_run(event))
        if self.run_id is not None:
            self._count(event)
            yield from whom.tell(event)
        elif event.type != "llm_deltas":
            self._held.append(event)

    def _next_run(self, event: Event) -> str:
        """An AG-UI run is a stretch of one of ours: after each interrupt comes another one."""
        self._runs += 1
        return f"{event.run_id or event.agent_id}.{self._runs}"

    def _begin(self, run_id: str, *, restate: bool = False, **more: Any) -> Iterator[BaseEvent]:
        held, self._held = self._held, []
        self.run_id, self._usage = run_id, Usage()
        self._below.suspend()
        self.state.tell("status", str(Status.RUNNING))
        yield RunStartedEvent(thread_id=self.thread_id, run_id=run_id, protocol_version=PROTOCOL_VERSION, **more)
        if restate:
            yield self.transcript.snapshot
        yield self.state.snapshot
        for event in held:
            yield from self._told(event)

    def _finish(self, rest: Rest) -> Iterator[BaseEvent]:
        if self.run_id is None:
            return
        asked = self.waiting.asked(rest.data) if rest.status is Status.INTERRUPTED else []
        if rest.status is Status.PAUSED:
            asked = [paused(self.run_id, rest.cause)]
        yield from self._lane.speech.end()
        yield from self._below.close([(one.id, one.subagent_run_id) for one in asked] if asked else None)
        if rest.status is Status.IDLE:
            yield from self._lane.calls.settled()
        yield from self.state.set("status", str(rest.status))
        run_id, self.run_id = self.run_id, None
        yield ended(self.thread_id, run_id, rest, asked, self._usage)

    def _share(self, key: str, value: Any) -> Iterator[BaseEvent]:
        patches = [*self.state.set(key, value)]
        if self.run_id is not None:
            yield from patches

    def _reset(self, snapshot: Any) -> Iterator[BaseEvent]:
        """The log is cut where the watcher wanted to go on: what is so now takes the place of what it missed."""
        self.waiting.know(Interrupt.model_validate(one) for one in snapshot["interrupts"])
        yield from self._share("todos", snapshot["todos"])

    def _count(self, event: Event) -> None:
        if event.type == "llm_token_usage" and isinstance(usage := event.data["usage"], Mapping):
            self._usage.add(usage)
