"""What an agent shows of itself to whom it is asked by: the answers to queries."""

from __future__ import annotations

from datetime import datetime

from sagents.frozen import Frozen
from sagents.interrupts import Interrupt
from sagents.messages import Message
from sagents.plan import RunError
from sagents.ports import Base
from sagents.status import Status
from sagents.todo import Todo
from sagents.viewers import Viewer


class AgentInfo(Frozen):
    """The answer to `info` (L-62)."""

    agent_id: str
    agent: str
    status: Status
    message_count: int = 0
    has_interrupt: bool = False
    uptime_ms: int = 0
    conversation_id: str | None = None
    run_id: str | None = None
    workflow_run_id: str = ""
    step: int = 0
    last_activity_at: datetime | None = None
    started_at: datetime | None = None
    queued: int = 0
    viewers: tuple[Viewer, ...] = ()
    topic: str = ""
    """What viewers look at: `presence.topic` of the lifecycle, else the conversation."""
    error: RunError | None = None
    problem: str | None = None
    history_bytes: int = 0
    history_events: int = 0
    waking: bool = False
    """Its earlier state is not read yet, so most figures mean nothing."""


class StateView(Frozen):
    """The answer to `state` and `messages`: what was said lately, and where the rest is."""

    messages: tuple[Message, ...] = ()
    earlier: int = 0
    todos: tuple[Todo, ...] = ()
    position: int = 0
    digest: str = ""
    base: Base = Base()
    pending_message: Message | None = None
    """All that waits to be heard, as the one message that it will be (B-74)."""
    waking: bool = False
    """Its earlier state is not read yet: what is here is not all."""


class InterruptView(Frozen):
    """One line of the answer to `interrupts`. `agent_id` is whose it is: a sub-agent's is decided there."""

    interrupt: Interrupt
    agent_id: str = ""
    answer_with: str = ""
