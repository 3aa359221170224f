"""What the loop asks for, and what it is told: the two unions around `sagents.loop`."""

from __future__ import annotations

from datetime import datetime

from sagents.decision_log import Remember
from sagents.decisions import Decision
from sagents.frozen import Frozen
from sagents.head import CallState
from sagents.interrupts import Interrupt, Vote
from sagents.messages import Message
from sagents.operations import Operation
from sagents.plan import Answered, CallResult, Plan, Restored, RunError, RunSpec, Settled
from sagents.principal import Who

# ── what to do next ──────────────────────────────────────────────────────────────────────────────────────────────


class Rest(Frozen):
    """Nothing to do until something arrives."""


class AskModel(Frozen):
    """Take a model step."""


class RunCalls(Frozen):
    """Run these calls; their results are applied in call order, whenever they end."""

    calls: tuple[CallState, ...]


class Park(Frozen):
    """People have to decide first."""


class Answer(Frozen):
    """Hand a decision to the agent's middleware."""

    interrupt: Interrupt


class Settle(Frozen):
    """Run the `after_run` hooks of a run that a tool has ended."""


Action = Rest | AskModel | RunCalls | Park | Answer | Settle

# ── what happened ────────────────────────────────────────────────────────────────────────────────────────────────


class Started(Frozen):
    """A run begins, with messages or on what is there. Open interrupts give way to it (T-30)."""

    run: RunSpec
    messages: tuple[Message, ...] = ()


class Continued(Frozen):
    """A paused run goes on (B-12)."""


class CallsDone(Frozen):
    """Calls have ended; the rest of the batch may still be on its way."""

    results: dict[str, CallResult]


class Decided(Frozen):
    """A person has decided about an open interrupt; `digest` is of the call that they decided about."""

    interrupt_id: str
    decision: Decision
    digest: str = ""
    who: Who = Who()
    remember: Remember | None = None

    @property
    def vote(self) -> Vote:
        return Vote(decision=self.decision, who=self.who, digest=self.digest)


class Expired(Frozen):
    """Nobody has answered in time."""

    interrupt_id: str


class Reminded(Frozen):
    """People were reminded that somebody waits for them."""

    interrupt_id: str
    at: datetime | None = None


class Escalated(Frozen):
    """The next people may decide too."""

    interrupt_id: str


class AnswerDone(Frozen):
    """What the middleware made of a decision."""

    interrupt_id: str
    answered: Answered


class Cancelled(Frozen):
    """The run was cancelled; what it said so far is kept."""


class Steered(Frozen):
    """Messages that are put in before the next model call of the run under way (K-14)."""

    messages: tuple[Message, ...]
    requesters: tuple[str, ...] = ()


class WasReset(Frozen):
    """Everything is forgotten; the agent is idle."""


class Dismissed(Frozen):
    """A halt was closed without an answer."""


class WasRestored(Frozen):
    """The state is another one now; `run` goes on once its questions are answered."""

    restored: Restored
    run: RunSpec


class Changed(Frozen):
    """A middleware changed the state, outside any run's step."""

    operations: tuple[Operation, ...] = ()


class Failed(Frozen):
    """The run cannot go on."""

    error: RunError


Result = (
    Started
    | Continued
    | Steered
    | Plan
    | CallsDone
    | Decided
    | Expired
    | Reminded
    | Escalated
    | AnswerDone
    | Settled
    | Cancelled
    | Dismissed
    | Failed
    | WasReset
    | WasRestored
    | Changed
)
