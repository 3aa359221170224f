"""What a run that stopped half-way leaves in `state.runtime`, beside the conversation, for the run that goes on."""

from __future__ import annotations

from typing import Self

from sagents.frozen import Frozen
from sagents.head import CallState, Head
from sagents.interrupts import Interrupt
from sagents.messages import ToolCall
from sagents.plan import Ending, OutcomeKind, RunSpec
from sagents.state import State

RUNTIME_KEY = "sagents.suspended"


class Suspended(Frozen):
    """What a stopped run leaves in `state.runtime` beside the conversation: its options and how far it was."""

    spec: RunSpec
    step: int = 1
    paused: bool = False
    calls: tuple[CallState, ...] = ()
    """How far the last reply's calls are: what a policy has said about them is not asked again."""
    interrupts: tuple[Interrupt, ...] = ()
    """What waits, and what of it is decided; a stored state keeps of these only what its messages show."""

    def knows(self, calls: tuple[ToolCall, ...]) -> bool:
        """Whether these are the calls that it left."""
        return {call.call_id for call in calls} == {call.plan.call_id for call in self.calls}

    def waiting(self, head: Head, questions: tuple[Interrupt, ...]) -> tuple[Interrupt, ...]:
        """What was left to people, as far as it is still there, and what the state alone shows."""
        shown = {one.tool_call_id: one for one in (*head.interrupts, *questions)}
        here = shown.keys() | {call.plan.call_id for call in head.started.calls}
        left = {one.tool_call_id: one for one in self.interrupts if one.tool_call_id in here}
        return (*(shown | left).values(), *(one for one in self.interrupts if one.tool_call_id is None))

    @classmethod
    def of(cls, state: State) -> Self | None:
        found = state.runtime.get(RUNTIME_KEY)
        return found if isinstance(found, cls) else None


def left(state: State, head: Head) -> State:
    """The state as a run leaves it; one that can go on says how."""
    ending = head.ending or Ending(kind=OutcomeKind.INTERRUPTED)
    if head.run is None or ending.kind not in (OutcomeKind.INTERRUPTED, OutcomeKind.PAUSED):
        return state
    suspended = Suspended(
        spec=head.run.spec,
        step=head.run.step,
        paused=ending.kind is OutcomeKind.PAUSED,
        calls=head.run.calls,
        interrupts=head.interrupts,
    )
    return state.but(runtime={**state.runtime, RUNTIME_KEY: suspended}, pause_reason=ending.cause)


def taken_up(state: State) -> State:
    """The state as a run finds it."""
    runtime = {key: value for key, value in state.runtime.items() if key != RUNTIME_KEY}
    return state.but(runtime=runtime, pause_reason=None)
