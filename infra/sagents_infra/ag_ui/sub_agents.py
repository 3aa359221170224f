"""The sub-agents of a run, as they are announced and closed."""

from collections.abc import Collection, Iterator

from ag_ui.core import (
    BaseEvent,
    SubagentErrorEvent,
    SubagentFinishedEvent,
    SubagentFinishedSuspendedOutcome,
    SubagentStartedEvent,
)

from sagents.events import Event
from sagents_infra.ag_ui.lanes import Lane
from sagents_infra.ag_ui.transcript import Transcript


class SubAgents:
    """Sub-agents of one run. Each is announced before anything of it is told, and closed before the run is."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._lanes: dict[str, Lane] = {}
        self._calls: dict[str, str] = {}
        self._active: dict[str, None] = {}
        self._ended: set[str] = set()

    def tell(self, event: Event) -> Iterator[BaseEvent]:
        """What an event of a sub-agent is; nothing after its end."""
        whose = event.sub_agent_id or "/".join(event.path)
        if whose in self._ended:
            return
        yield from self._announce(whose, event.path, event)
        lane, data = self._lanes[whose], event.data
        match event.type:
            case "subagent_started":
                return
            case "subagent_completed":
                yield from self._end(lane)
                yield SubagentFinishedEvent(subagent_run_id=whose, result=data.get("result"))
            case "subagent_failed" | "subagent_cancelled":
                yield from self._end(lane)
                why = str(data.get("error") or data.get("reason") or "The sub-agent was cancelled.")
                code = event.type.removeprefix("subagent_")
                yield SubagentErrorEvent(subagent_run_id=whose, message=why, code=code)
            case _:
                yield from lane.tell(event)

    def close(self, asked: Collection[tuple[str, str | None]] | None) -> Iterator[BaseEvent]:
        """The run is over. With what is `asked` (an interrupt's id, whose it is) those at work are only suspended."""
        for whose in reversed([*self._active]):
            if asked is None:
                yield from self._end(self._lanes[whose])
                why = "The run ended before the sub-agent did."
                yield SubagentErrorEvent(subagent_run_id=whose, message=why, code="cancelled")
            else:
                yield from self._lanes[whose].speech.end()
                mine = [one for one, owner in asked if owner == whose]
                outcome = SubagentFinishedSuspendedOutcome(interrupt_ids=mine or None)
                yield SubagentFinishedEvent(subagent_run_id=whose, outcome=outcome)
        self._active.clear()

    def suspend(self) -> None:
        """Who is at work is announced again with the next word of it."""
        self._active.clear()

    def _announce(self, whose: str, path: tuple[str, ...], event: Event | None = None) -> Iterator[BaseEvent]:
        if whose in self._active:
            return
        above = whose.rpartition("/")[0]
        if len(path) > 1 and above not in self._ended:
            yield from self._announce(above, path[:-1])
        self._active[whose] = None
        self._lanes.setdefault(whose, Lane(self._transcript, whose))
        if event is not None and event.type == "subagent_started" and event.data.get("call_id"):
            self._calls[whose] = str(event.data["call_id"])
        yield SubagentStartedEvent(
            subagent_run_id=whose,
            name=path[-1],
            parent_subagent_run_id=above if above in self._active else None,
            parent_tool_call_id=self._calls.get(whose),
        )

    def _end(self, lane: Lane) -> Iterator[BaseEvent]:
        """Nothing more of it is told, ever."""
        yield from lane.speech.end()
        yield from lane.calls.settled()
        if lane.whose is not None:
            self._active.pop(lane.whose, None)
            self._ended.add(lane.whose)
