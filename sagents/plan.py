"""What goes between the kernel and its steps: requests, plans, results. All of it is history, so all of it is brief."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from sagents.clipping import clipped
from sagents.decision_log import Entry
from sagents.decisions import Decision
from sagents.frozen import Frozen
from sagents.interrupts import Interrupt, Raised
from sagents.messages import Message, ToolResult
from sagents.operations import Operation
from sagents.ports import Base
from sagents.state import StateDelta
from sagents.terms import Terms


class Link(Frozen):
    """One sub-agent on the way down from an agent, and the prompt that its parent has written for it."""

    name: str
    system_prompt: str | None = None


class Sub(Frozen):
    """Where a sub-agent comes from: the agent above all, and the call of its parent that it answers.

    `path` names the sub-agents from the first one below the root to this one. `root_writer` is the root's workflow run,
    which owns the log of events. `arguments` are there where a person has edited the call.
    """

    root_id: str
    root_name: str = ""
    root_run_id: str = ""
    root_writer: str = ""
    parent_id: str = ""
    record: str = ""
    call_id: str = ""
    tool: str = ""
    arguments: dict[str, JsonValue] | None = None
    path: tuple[Link, ...] = ()
    requesters: tuple[str, ...] = ()
    quiet: bool = False


class AgentRef(Frozen):
    """Which agent, and what its factory may know: the arguments of an `AgentRequest`.

    A sub-agent has its own id, which begins with its parent's; all else is the root's but for its name.
    """

    name: str = ""
    agent_id: str = ""
    conversation_id: str | None = None
    scope: Mapping[str, JsonValue] = Field(default_factory=dict)
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    sub: Sub | None = None

    @property
    def owner(self) -> str | None:
        """Whose agent it is, where its scope says so."""
        return self._of_scope("owner")

    @property
    def tenant(self) -> str | None:
        """The tenant that it belongs to, where its scope says so."""
        return self._of_scope("tenant")

    def _of_scope(self, name: str) -> str | None:
        value = self.scope.get(name)
        return None if value is None else str(value)

    @property
    def path(self) -> tuple[str, ...]:
        """The names of the sub-agents that lead here; empty for an agent that people talk to."""
        return tuple(link.name for link in self.sub.path) if self.sub else ()

    @property
    def root_id(self) -> str:
        """Whom people watch."""
        return self.sub.root_id if self.sub else self.agent_id

    @property
    def parent(self) -> "AgentRef":
        """Who has called this sub-agent, as far as it takes to make that agent and to tell of it."""
        sub = self.sub
        assert sub is not None, "only a sub-agent has a parent"
        above = sub.path[:-1]
        name = above[-1].name if above else sub.root_name
        return self.but(name=name, agent_id=sub.parent_id, sub=sub.but(path=above) if above else None)


class Reference(Frozen):
    """A state by reference: the operations up to `position`, whose digest it is; `base` of them are saved."""

    base: Base = Base()
    position: int = 0
    digest: str = ""


class RunSpec(Frozen):
    """What a run was asked for; the same in every step of it."""

    id: str
    until_tool: tuple[str, ...] = ()
    until_tool_success: tuple[str, ...] = ()
    max_runs: int | None = None
    requesters: tuple[str, ...] = ()


class RunError(Frozen):
    """Why a run failed. `type` is stable and for programs, `message` is for people, and brief: heads carry it."""

    type: str
    message: Annotated[str, AfterValidator(clipped)]


class OutcomeKind(StrEnum):
    """How a run ended, or what it waits for."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Ending(Frozen):
    """How a run ended. `cause` is a pause's, `tool_call_id` names the call that satisfied `until_tool`."""

    kind: OutcomeKind
    error: RunError | None = None
    cause: str | None = None
    tool_call_id: str | None = None


Start = Literal["all", "each"]
"""Whether gated calls run once all of a batch are decided, or each as soon as it is."""


class Approval(Terms):
    """A gate before a call, fully resolved by the model step: no callables, no arguments.

    `digest` is of the tool and its arguments (`sagents.digests`).
    """

    summary: str = ""
    digest: str = ""
    start: Start = "all"


class CallResult(Frozen):
    """What one tool call came to. `processed` is for programs (extraction), never for the model."""

    result: ToolResult
    delta: StateDelta | None = None
    raised: Raised | None = None
    pause: str | None = None
    paused: bool = False
    processed: JsonValue = None
    queued: tuple[str, ...] = ()
    not_executed: str | None = None
    """Why a call did not run although people had approved it."""


class WorkerLoss(StrEnum):
    """What happens to a call whose worker was lost."""

    RETRY = "retry"
    REPORT = "report"


class PlannedCall(Frozen):
    """A tool call as the kernel knows it: where and how it runs, not with what.

    `result` is there already for an inline tool, an unknown one, or arguments that fail their schema.
    """

    call_id: str
    name: str
    timeout: timedelta = timedelta(minutes=5)
    parallel: bool = True
    on_worker_loss: WorkerLoss = WorkerLoss.RETRY
    approval: Approval | None = None
    child: str | None = None
    """The sub-agent that answers it, in a workflow of its own."""
    rule: str | None = None
    """The remembered decision that lets it run without asking."""
    result: CallResult | None = None


class Saved(Frozen):
    """A confirmed save: the base it reached and the counter of notes in the head that is stored.

    `told` is whether the agent's status was told with it: not where a waiting message starts the next run at once.
    """

    base: Base
    notes: int = 0
    mirrored: bool = True
    told: bool = True


class Plan(Frozen):
    """What a model step decided. Written to the store under `record` before the kernel sees it; first write wins.

    Steps leave `record` out of what they return: the kernel knows it from its request.
    `ending` is there when the step itself ended the run: error, pause or cancel. A reply without calls ends it too.
    `saved` is the base that the run's last step has confirmed by itself.
    """

    record: str = ""
    operations: tuple[Operation, ...] = ()
    calls: tuple[PlannedCall, ...] = ()
    max_runs: int = 50
    ending: Ending | None = None
    raised: Raised | None = None
    replied: bool = False
    saved: Saved | None = None
    inherited: Mapping[str, JsonValue] = Field(default_factory=dict)
    """The metadata that sub-agents begin with; in the store's record only."""


class Bulletin(Frozen):
    """Something the kernel itself has to tell."""

    type: str
    data: Mapping[str, JsonValue] = Field(default_factory=dict)


class StepRequest(Frozen):
    """Ask the model once. `operations` lead from position `since` to the reference, where they are small enough.

    `boot` marks the first step since the agent woke: `on_start` hooks run at its head. `news` are told before it.
    """

    agent: AgentRef
    reference: Reference
    run: RunSpec
    step: int = 0
    seq: int = 0
    since: int | None = None
    operations: tuple[Operation, ...] = ()
    boot: bool = False
    news: tuple[Bulletin, ...] = ()
    children: int = 0
    """Sub-agents that this run has called before."""

    @property
    def record(self) -> str:
        """Where the store keeps this step's plan: the same step of the same run on the same state is asked once."""
        return f"step:{self.run.id}.{self.step}.{self.reference.digest}"

    @property
    def reply_id(self) -> str:
        """The id of what the model says in this step."""
        return f"msg_{hashlib.sha256(self.record.encode()).hexdigest()[:16]}"


class CallRequest(Frozen):
    """Run one tool call of a recorded plan, with other arguments where a person edited them.

    `approved` where people let it run, `expired` where nobody answered and its terms let it.
    """

    agent: AgentRef
    reference: Reference
    run_id: str
    record: str
    call_id: str
    name: str
    arguments: dict[str, JsonValue] | None = None
    approved: bool = False
    expired: bool = False
    on_worker_loss: WorkerLoss = WorkerLoss.RETRY


class AnswerRequest(Frozen):
    """Hand a decision to the middleware that knows what to make of it (B-18)."""

    agent: AgentRef
    reference: Reference
    run_id: str
    interrupt: Interrupt
    decision: Decision


class Answered(Frozen):
    """What came of a decision: changes of the state, or another question, or nobody who knew it."""

    operations: tuple[Operation, ...] = ()
    raised: Raised | None = None
    error: RunError | None = None
    paused: bool = False
    pause: str | None = None


class SettleRequest(Frozen):
    """Run the `after_run` hooks of a run that ended outside a model step."""

    agent: AgentRef
    reference: Reference
    run: RunSpec
    seq: int = 0

    @property
    def record(self) -> str:
        """Where the store keeps what the hooks did."""
        return f"settle:{self.run.id}.{self.reference.digest}"


class Settled(Frozen):
    """The `after_run` hooks are through; `saved` is the base that was confirmed with them."""

    operations: tuple[Operation, ...] = ()
    saved: Saved | None = None


class SaveReason(StrEnum):
    """Why an agent saves; savers are told (B-115)."""

    COMPLETION = "on_completion"
    CANCEL = "on_cancel"
    ERROR = "on_error"
    INTERRUPT = "on_interrupt"
    SHUTDOWN = "on_shutdown"
    INTERVAL = "on_interval"
    DECISION = "on_decision"
    """What people decided is kept before anything comes of it; savers of the application are not called for that."""

    @classmethod
    def after(cls, ending: Ending) -> "SaveReason":
        """Why an agent saves once a run has ended like this."""
        reasons = {OutcomeKind.CANCELLED: cls.CANCEL, OutcomeKind.FAILED: cls.ERROR}
        return reasons.get(ending.kind, cls.COMPLETION)


class SaveRequest(Frozen):
    """Save the agent: the activity reads head and tail from the workflow that asked, and tells what is new; its status

    only where that is news.

    `before` and `after` are told before and after the save: the order is part of what a shutdown promises (L-22, L-35).
    `entries` go into the decision log.
    """

    agent_id: str
    seq: int
    reason: SaveReason = SaveReason.INTERVAL
    status_is_news: bool = False
    before: tuple[Bulletin, ...] = ()
    after: tuple[Bulletin, ...] = ()
    entries: tuple[Entry, ...] = ()


class AnnounceRequest(Frozen):
    """Tell news that no other activity carries; `key` makes a retry repeat nothing."""

    agent: AgentRef
    key: str
    news: tuple[Bulletin, ...]


class NotifyRequest(Frozen):
    """Hand a message to a middleware (B-27)."""

    agent: AgentRef
    reference: Reference
    middleware: str
    message: JsonValue = None


class Notified(Frozen):
    """What the middleware made of a message; `problem` where it is unknown or raised, and nothing is changed."""

    operations: tuple[Operation, ...] = ()
    problem: str | None = None


class RestoreRequest(Frozen):
    """Read a deposited export and sweep it with the agent's middleware (B-66)."""

    agent: AgentRef
    reference: Reference
    key: str


class Restored(Frozen):
    """The operations that make the state the restored one, the questions in it that can still be answered, and what

    waited to be heard when it was exported.
    """

    operations: tuple[Operation, ...] = ()
    interrupts: tuple[Interrupt, ...] = ()
    pending_message: Message | None = None
    problem: str | None = None


class ViewersRequest(Frozen):
    """Ask the presence port who looks at a topic."""

    topic: str


class WakeRequest(Frozen):
    """Take over as the agent's writer and read its head.

    `pending`: somebody waits for it to run; `answered`: a decision has come, which may fit what it waits for.
    """

    agent: AgentRef
    pending: bool = False
    answered: bool = False
