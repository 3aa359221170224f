"""Events of an agent's life: its status, what people say to it, how it leaves (L-4, L-22, L-35, L-43)."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, JsonValue

from sagents.display import DisplayMessage
from sagents.events import EventData
from sagents.frozen import Frozen
from sagents.interrupts import Interrupt
from sagents.messages import Message
from sagents.plan import RunError
from sagents.status import Status
from sagents.todo import Todo

KERNEL = "the kernel, by its next activity"


class StatusChanged(EventData):
    """The agent's status has changed, or it has booted.

    `data` is what waits for people (`interrupted`), how the run ended, or null.
    """

    type: ClassVar[str] = "status_changed"
    by: ClassVar[str] = "the first step of a run, the save at its end, the boot"

    status: Status
    data: Mapping[str, JsonValue] | None = None


class ChainError(EventData):
    """A run failed; the status `error` follows."""

    type: ClassVar[str] = "chain_error"
    by: ClassVar[str] = "the activity that tells the status"

    error: RunError


class AgentHalted(EventData):
    """A tool or a hook ended the work with a word to people (B-96)."""

    type: ClassVar[str] = "agent_halted"
    by: ClassVar[str] = "the step or call that halted"

    message: str
    tool_call_id: str | None = None
    source_tool: str | None = None
    source: JsonValue = None


class MessageQueued(EventData):
    """A message waits for the end of the run (B-77)."""

    type: ClassVar[str] = "message_queued"
    by: ClassVar[str] = KERNEL

    message: Message


class MessagesDrained(EventData):
    """Messages that waited are heard now, all of them."""

    type: ClassVar[str] = "messages_drained"
    by: ClassVar[str] = KERNEL

    count: int


class AutoExecutionLimitReached(EventData):
    """So many runs in a row were asked for by machines only; now a person has to speak (B-76)."""

    type: ClassVar[str] = "auto_execution_limit_reached"
    by: ClassVar[str] = KERNEL

    limit: int


class StateRestored(EventData):
    """An exported state has taken the place of the agent's own."""

    type: ClassVar[str] = "state_restored"
    by: ClassVar[str] = KERNEL

    message_count: int


class AgentShutdown(EventData):
    """The agent leaves, and sleeps until somebody wants something of it. Before the save where nobody looks."""

    type: ClassVar[str] = "agent_shutdown"
    by: ClassVar[str] = KERNEL

    reason: str
    agent_id: str
    status: Status
    interrupt_restorable: bool = False
    last_activity_at: AwareDatetime | None = None
    shutdown_at: AwareDatetime
    client_status: str


class Snapshot(Frozen):
    """What an agent is like now, for who cannot be told how it came to it. `position` is the id of its last event."""

    position: int
    status: Status
    todos: tuple[Todo, ...] = ()
    interrupts: tuple[Interrupt, ...] = ()
    rows: tuple[DisplayMessage, ...] = ()
    """The newest page of the transcript."""


class Reset(EventData):
    """Only of `watch`: events after the id that was asked for are not there any more. Forget what you knew.

    The events from `first` on follow, so some of what the snapshot has is told once more.
    """

    type: ClassVar[str] = "reset"
    live: ClassVar[bool] = True
    by: ClassVar[str] = "`watch`"

    first: int
    snapshot: Snapshot


LIFE: tuple[type[EventData], ...] = (
    StatusChanged,
    ChainError,
    AgentHalted,
    MessageQueued,
    MessagesDrained,
    AutoExecutionLimitReached,
    StateRestored,
    AgentShutdown,
    Reset,
)
