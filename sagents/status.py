"""What an agent is doing, seen from outside (L-2, L-3)."""

from enum import StrEnum


class Status(StrEnum):
    """`not_running` is the answer for an absent agent; it is never an agent's own status."""

    IDLE = "idle"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    ERROR = "error"
    PAUSED = "paused"
    NOT_RUNNING = "not_running"

    @property
    def takes_execute(self) -> bool:
        """Whether `execute` may start a run (B-61)."""
        return self is Status.IDLE

    @property
    def is_running(self) -> bool:
        return self is Status.RUNNING

    @property
    def visible(self) -> str:
        """The coarse value of the search attribute `AgentStatus`: finer ones are read from the agent."""
        return "active" if self in (Status.IDLE, Status.RUNNING, Status.CANCELLED) else str(self)
