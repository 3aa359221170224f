"""The head: what the workflow holds of an agent. It travels through saves, continue-as-new and waking.

The transcript is not here. The log keeps the operations since the last confirmed save (the tail) and a window of
what was said lately, so that a person with nothing but Temporal's own tools can read along (DESIGN section 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, JsonValue

from sagents.frozen import Frozen
from sagents.interrupts import Closed, Interrupt
from sagents.lifecycle import Lifecycle
from sagents.limits import Limits
from sagents.messages import Message
from sagents.operations import (
    EMPTY_DIGEST,
    CutMessages,
    Operation,
    Reset,
    SetMessages,
    apply_operation,
    canonical,
    roll,
)
from sagents.plan import AgentRef, CallResult, Ending, OutcomeKind, Plan, PlannedCall, Reference, RunSpec
from sagents.ports import Base
from sagents.state import State
from sagents.status import Status
from sagents.todo import Todo

WINDOW_BYTES = 8 * 1024


class Phase(StrEnum):
    """Where the loop stands."""

    IDLE = "idle"
    MODEL = "model"
    CALLS = "calls"
    SETTLING = "settling"


class CallState(Frozen):
    """A planned call on its way: `decided` where a person gave the result, `arguments` where one edited them."""

    plan: PlannedCall
    arguments: dict[str, JsonValue] | None = None
    result: CallResult | None = None
    decided: bool = False

    @property
    def waits(self) -> bool:
        return self.result is None

    @property
    def question(self) -> str:
        """What a question of the tool's own goes by: another name than the approval before it, where there was one."""
        return f"{self.plan.call_id}_asks" if self.plan.approval else self.plan.call_id


class Run(Frozen):
    """One execution from a message to idle. `step` counts the model calls; `record` is the last plan's."""

    spec: RunSpec
    step: int = 0
    record: str = ""
    max_runs: int = 50
    calls: tuple[CallState, ...] = ()
    children: int = 0
    ending: Ending | None = None

    def planned(self, plan: Plan, calls: tuple[CallState, ...]) -> Self:
        """After one more model call."""
        children = self.children + sum(1 for call in plan.calls if call.child)
        return self.but(step=self.step + 1, record=plan.record, max_runs=plan.max_runs, calls=calls, children=children)

    @property
    def starts_each(self) -> bool:
        """Whether gated calls run each as soon as it is decided, not all together."""
        approvals = [call.plan.approval for call in self.calls if call.plan.approval]
        return bool(approvals) and all(approval.start == "each" for approval in approvals)


class Latest(Frozen):
    """The run that began last, also when it has ended. What goes on with it was asked for by its `requesters`."""

    run_id: str
    began_at: datetime | None = None
    requesters: tuple[str, ...] = ()


class Log(Frozen):
    """The operations of an agent: `tail` since the confirmed `base`, `digest` over all of them up to `position`."""

    base: Base = Base()
    position: int = 0
    digest: str = EMPTY_DIGEST
    tail: tuple[Operation, ...] = ()
    tail_bytes: int = 0
    window: tuple[Message, ...] = ()
    todos: tuple[Todo, ...] = ()
    message_count: int = 0

    @property
    def reference(self) -> Reference:
        return Reference(base=self.base, position=self.position, digest=self.digest)

    @property
    def reached(self) -> Base:
        """The base that a save of the log as it is now would confirm."""
        return Base(position=self.position, digest=self.digest)

    @property
    def is_saved(self) -> bool:
        return self.position == self.base.position

    def add(self, *operations: Operation) -> Self:
        log = self
        for operation in operations:
            log = log._with(operation)
        return log

    def _with(self, operation: Operation) -> Self:
        seen = apply_operation(State(messages=self.window, todos=self.todos), _in_window(operation, self))
        return self.but(
            position=self.position + 1,
            digest=roll(self.digest, operation),
            tail=(*self.tail, operation),
            tail_bytes=self.tail_bytes + len(canonical(operation)),
            window=_lately(seen.messages),
            todos=seen.todos,
            message_count=_count(operation, self, len(seen.messages)),
        )

    def since(self, position: int) -> tuple[Operation, ...] | None:
        """The operations after a position; None where the tail does not reach back so far."""
        start = position - (self.position - len(self.tail))
        return self.tail[start:] if 0 <= start <= len(self.tail) else None

    def confirmed(self, base: Base) -> Self:
        """The log after a save reached `base`: what it holds leaves the tail."""
        kept = self.since(base.position)
        if kept is None or base.position <= self.base.position:
            return self
        return self.but(base=base, tail=kept, tail_bytes=sum(len(canonical(operation)) for operation in kept))


def _in_window(operation: Operation, log: Log) -> Operation:
    """The operation as it looks from the window, which lacks the earlier messages."""
    if not isinstance(operation, CutMessages):
        return operation
    earlier = log.message_count - len(log.window)
    end = operation.start + operation.count - earlier
    if end < 0:
        return operation.but(start=0, count=0, replacement=())
    start = max(0, operation.start - earlier)
    return operation.but(start=start, count=end - start)


def _count(operation: Operation, log: Log, seen: int) -> int:
    match operation:
        case SetMessages() | Reset():
            return seen
        case CutMessages():
            return log.message_count - operation.count + len(operation.replacement)
        case _:
            return log.message_count + seen - len(log.window)


def _lately(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The last messages that fit the window; a single larger one is left out."""
    room = WINDOW_BYTES
    for index in range(len(messages) - 1, -1, -1):
        room -= len(messages[index].model_dump_json())
        if room < 0:
            return messages[index + 1 :]
    return messages


class Head(Frozen):
    """Everything that an agent's next activation needs. Changed by `sagents.loop.apply` alone."""

    agent: AgentRef
    phase: Phase = Phase.IDLE
    log: Log = Log()
    run: Run | None = None
    runs: int = 0
    automatic_runs: int = 0
    ending: Ending | None = None
    latest: Latest | None = None
    interrupts: tuple[Interrupt, ...] = ()
    closed: tuple[Closed, ...] = ()
    seq: int = 0
    lifecycle: Mapping[str, JsonValue] = Field(default_factory=dict)
    limits: Limits = Limits()
    created_at: datetime | None = None

    @property
    def open_interrupts(self) -> tuple[Interrupt, ...]:
        return tuple(interrupt for interrupt in self.interrupts if interrupt.is_open)

    @property
    def runnable(self) -> tuple[CallState, ...]:
        """The calls that may run now: none while people decide, unless each runs as soon as it is decided."""
        if self.phase is not Phase.CALLS:
            return ()
        gated = {interrupt.tool_call_id for interrupt in self.open_interrupts}
        if gated and not self.started.starts_each:
            return ()
        return tuple(call for call in self.started.calls if call.waits and call.plan.call_id not in gated)

    @property
    def status(self) -> Status:
        if self.open_interrupts and not self.runnable:
            return Status.INTERRUPTED
        if self.phase is not Phase.IDLE:
            return Status.RUNNING
        return _STATUS_AFTER[self.ending.kind] if self.ending else Status.IDLE

    @property
    def concludes(self) -> bool:
        """Whether a sub-agent has nothing more to do: after a halt only people who watch its root go on (B-53)."""
        asked = self.open_interrupts
        if self.agent.sub is None or self.status.is_running:
            return False
        return not asked or any(interrupt.is_halt for interrupt in asked)

    @property
    def topic(self) -> str:
        """What viewers look at: the lifecycle's topic, else the conversation, which is its tenant's alone."""
        agent = self.agent
        given = Lifecycle.from_wire(self.lifecycle).presence.topic
        whose = f"{agent.tenant}/" if agent.tenant else ""
        return given or f"conversation:{whose}{agent.conversation_id or agent.agent_id}"

    @property
    def started(self) -> Run:
        """The run that is under way; asking for it while idle is a bug."""
        assert self.run is not None, "no run is under way"
        return self.run

    def interrupt(self, interrupt_id: str) -> Interrupt | None:
        return next((interrupt for interrupt in self.interrupts if interrupt.id == interrupt_id), None)

    def with_operations(self, *operations: Operation) -> Self:
        return self.but(log=self.log.add(*operations)) if operations else self

    def with_run(self, **changes: object) -> Self:
        return self.but(run=self.started.but(**changes))

    def with_interrupt(self, changed: Interrupt) -> Self:
        """The same with another version of one of its interrupts."""
        return self.but(interrupts=tuple(changed if one.id == changed.id else one for one in self.interrupts))

    def closed_one(self, interrupt_id: str) -> Closed | None:
        """How an interrupt has ended, if it has and is not long forgotten."""
        return next((closed for closed in reversed(self.closed) if closed.id == interrupt_id), None)


_STATUS_AFTER = {
    OutcomeKind.FINISHED: Status.IDLE,
    OutcomeKind.INTERRUPTED: Status.INTERRUPTED,
    OutcomeKind.PAUSED: Status.PAUSED,
    OutcomeKind.CANCELLED: Status.CANCELLED,
    OutcomeKind.FAILED: Status.ERROR,
}
