"""How a run of AG-UI ends: one event for each way in which an agent comes to rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ag_ui.core import (
    BaseEvent,
    RunErrorEvent,
    RunFinishedCancelledOutcome,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedSuccessOutcome,
    TokenUsage,
)
from ag_ui.core import Interrupt as Asked

from sagents.plan import RunError
from sagents.status import Status

REST = frozenset({Status.IDLE, Status.INTERRUPTED, Status.PAUSED, Status.CANCELLED, Status.ERROR})
UNSAID = RunError(type="failed", message="The run failed.")


@dataclass(frozen=True)
class Rest:
    """An agent that came to rest: its status, and why."""

    status: Status
    error: RunError | None = None
    cause: str | None = None
    data: Mapping[str, Any] | None = None
    """What waits for people, as the status event has it."""

    @classmethod
    def told(cls, data: Mapping[str, Any]) -> "Rest | None":
        """What a status event says; None where the agent is at work."""
        status, more = Status(str(data["status"])), data.get("data")
        if status not in REST:
            return None
        ending = more if isinstance(more, Mapping) and "kind" in more else {}
        error, cause = ending.get("error"), ending.get("cause")
        return cls(
            status,
            error=RunError.model_validate(error) if error else None,
            cause=str(cause) if cause else None,
            data=more if isinstance(more, Mapping) and not ending else None,
        )


class Usage:
    """The tokens of a run, its sub-agents' too."""

    def __init__(self) -> None:
        self._read = self._written = 0

    def add(self, usage: Mapping[str, Any]) -> None:
        self._read += int(usage.get("input", 0))
        self._written += int(usage.get("output", 0))

    @property
    def total(self) -> list[TokenUsage] | None:
        """One entry, because replies do not say which model they are of; None where nobody counted."""
        both = self._read + self._written
        one = TokenUsage(input_tokens=self._read, output_tokens=self._written, total_tokens=both)
        return [one] if both else None


def ended(thread_id: str, run_id: str, rest: Rest, asked: Sequence[Asked], usage: Usage) -> BaseEvent:
    """The last event of a run."""
    if rest.status is Status.ERROR:
        error = rest.error or UNSAID
        return RunErrorEvent(message=error.message, code=error.type, usage=usage.total)
    return RunFinishedEvent(thread_id=thread_id, run_id=run_id, outcome=_outcome(rest, asked), usage=usage.total)


def _outcome(
    rest: Rest, asked: Sequence[Asked]
) -> RunFinishedInterruptOutcome | RunFinishedSuccessOutcome | RunFinishedCancelledOutcome:
    if asked:
        return RunFinishedInterruptOutcome(interrupts=[*asked])
    return RunFinishedCancelledOutcome() if rest.status is Status.CANCELLED else RunFinishedSuccessOutcome()
