"""What a run that stopped half-way leaves in `state.runtime`, beside the conversation, for the run that goes on."""

from __future__ import annotations

from typing import Self

from sagents.frozen import Frozen
from sagents.head import Head
from sagents.interrupts import Interrupt
from sagents.plan import Ending, OutcomeKind, RunSpec
from sagents.state import State

RUNTIME_KEY = "sagents.suspended"


class Suspended(Frozen):
    """What a stopped run leaves in `state.runtime` beside the conversation: its options and how far it was."""

    spec: RunSpec
    step: int = 1
    paused: bool = False
    asked: tuple[Interrupt, ...] = ()
    """Questions of hooks: no message of the conversation shows them."""

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
        asked=tuple(interrupt for interrupt in head.open_interrupts if interrupt.tool_call_id is None),
    )
    return state.but(runtime={**state.runtime, RUNTIME_KEY: suspended}, pause_reason=ending.cause)


def taken_up(state: State) -> State:
    """The state as a run finds it."""
    runtime = {key: value for key, value in state.runtime.items() if key != RUNTIME_KEY}
    return state.but(runtime=runtime, pause_reason=None)
