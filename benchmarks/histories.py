"""Bytes and events of a workflow's history, over the whole chain of its workflow runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client


@dataclass(frozen=True)
class Round:
    """What one message and all that followed it, up to the next message, left in history."""

    bytes: int
    events: int


@dataclass(frozen=True)
class Chain:
    """The histories of an agent's workflow runs, oldest first."""

    runs: tuple[tuple[HistoryEvent, ...], ...]

    @property
    def bytes(self) -> int:
        return sum(event.ByteSize() for run in self.runs for event in run)

    @property
    def events(self) -> int:
        return sum(len(run) for run in self.runs)

    @property
    def rounds(self) -> list[Round]:
        """One for each message, told apart by the updates that brought them."""
        rounds: list[list[HistoryEvent]] = []
        for event in (event for run in self.runs for event in run):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
                rounds.append([])
            if rounds:
                rounds[-1].append(event)
        return [Round(sum(event.ByteSize() for event in events), len(events)) for events in rounds]


async def chain_of(client: Client, workflow_id: str) -> Chain:
    """All workflow runs up to the newest one, as each names the one that it continues."""
    runs: list[tuple[HistoryEvent, ...]] = []
    run_id: str | None = None
    while not runs or run_id:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        runs.append(tuple(history.events))
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return Chain(tuple(reversed(runs)))


def mean_bytes(rounds: Sequence[Round], first: int, last: int) -> float:
    """Mean bytes of the rounds `first` to `last`, counted from 1."""
    return mean(part.bytes for part in rounds[first - 1 : last])


def mean_events(rounds: Sequence[Round]) -> float:
    """Events per round; the last one counts as far as it has come."""
    return mean(part.events for part in rounds)
