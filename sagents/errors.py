"""Every error of Sagents, one tree. A message says what happened and what to do next.

SagentsError
├── InvalidAgent          an Agent, tool or middleware was configured wrongly
├── InvalidState          data that is no State
│   └── NewerState            it was written by a newer version of Sagents
├── InvalidInput          a door refused a payload; nothing changed
│   └── MessageRefused        a preprocessor did, and says why
├── AgentError            about one agent
│   ├── AgentNotFound         no agent runs or sleeps under this id
│   ├── PreprocessorFailed    a preprocessor raised; the message was not sent
│   └── NotPossible           the agent's status does not allow it
│       ├── CannotCancel · CannotExecute · CannotDismiss · CannotRestore
│       ├── CannotResume          nothing waits for a decision, or the decisions do not fit
│       │   └── DecisionRefused       one interrupt, and why this decision about it is not taken
│       │       ├── DecisionConflict      somebody decided otherwise before
│       │       ├── InterruptGone         it expired, was superseded or cancelled
│       │       ├── InterruptUnknown      the agent never had it
│       │       ├── DigestMismatch        it is about another call than the one that was seen
│       │       ├── InvalidDecision       the decision does not fit; `pointer` says where
│       │       └── Forbidden             this person may not decide it
│       ├── AgentBusy         it takes no message now (`reject`)
│       └── Fresh             a touch within ten seconds of the last activity changes nothing
├── AgentNotRegistered    no factory has this name
├── RuleNotFound          no remembered decision has this id
├── FileProblem           what was asked of files cannot be; its message is for models, too
│   ├── FileMissing           there is no file of this path
│   ├── FileTaken             there is a file of this path already
│   ├── FileChanged           somebody else wrote it meanwhile; read it again
│   └── FileRefused           the path, the place or the content is not allowed
├── AppNotFound           no application where one was looked for
├── CannotAnswer          Temporal or the store is out of reach; says nothing about the agent
├── StoreError
│   ├── StoreUnavailable      try again
│   ├── Superseded            a newer workflow run writes for this agent
│   └── Damaged               what is stored does not match its digest
├── StateUnavailable      the agent's state could not be read just now; try again
├── NotHere               this worker does not know the agent or tool (yet)
├── InvalidArguments      a call does not fit the signature of its tool
├── ModelError            a model call failed: try again, fall back or give up (`kind`)
├── ToolServerFailed      a server of tools is out of reach, or broke off in a call
├── LinkRefused           the link of an approval decides nothing
│   └── LinkForged · LinkExpired · LinkRevoked · LinkUsed
├── DevServerFailed       Temporal's dev server did not start
└── RunFailed             raised by `Outcome.unwrap`, `AgentResult` and `Extract`
"""

from datetime import timedelta
from enum import StrEnum


class SagentsError(Exception):
    """Anything that Sagents raises."""


class InvalidAgent(SagentsError, ValueError):
    """An Agent, a tool or a middleware was configured wrongly."""


class InvalidState(SagentsError, ValueError):
    """Data that is no State; the message names what does not fit."""


class InvalidInput(SagentsError, ValueError):
    """A door refused a payload. The agent is as it was."""


class MessageRefused(InvalidInput):
    """A preprocessor did not let a message through; raised by it, with words for who wrote the message (B-110)."""


class AgentError(SagentsError):
    """Something about one agent; `agent_id` says which."""

    def __init__(self, agent_id: str, message: str) -> None:
        self.agent_id = agent_id
        super().__init__(message)


class AgentNotFound(AgentError):
    """No agent runs or sleeps under this id."""

    def __init__(self, agent_id: str) -> None:
        super().__init__(agent_id, f"No agent runs under {agent_id!r}; `AgentServer.start` starts one.")


class PreprocessorFailed(AgentError):
    """A preprocessor raised what is no `MessageRefused`. The agent has not heard of the message (E-67)."""

    def __init__(self, agent_id: str, error: BaseException) -> None:
        what = f"{type(error).__name__}: {error}"
        super().__init__(agent_id, f"The message was not sent: its preprocessor failed: {what}")


class AgentNotRegistered(SagentsError):
    """No factory is registered under a name."""

    def __init__(self, name: str, known: tuple[str, ...] = ()) -> None:
        self.name = name
        names = ", ".join(sorted(known)) or "none"
        parent, slash, child = name.rpartition("/")
        if slash:
            super().__init__(f"{parent!r} has no sub-agent {child!r} (any more); name it in its `SubAgent(...)`.")
            return
        super().__init__(f"No agent is registered as {name!r} (registered: {names}); add it by `@app.agent({name!r})`.")


class NotPossible(AgentError):
    """The agent's status does not allow what was asked; `status` says what it was."""

    def __init__(self, agent_id: str, status: str, message: str) -> None:
        self.status = status
        super().__init__(agent_id, message)


class CannotCancel(NotPossible):
    """Nothing runs that could be cancelled (L-43)."""

    def __init__(self, agent_id: str, status: str) -> None:
        super().__init__(agent_id, status, f"Cannot cancel, server is not running (status: {status})")


class CannotExecute(NotPossible):
    """The agent is not idle (B-61)."""

    def __init__(self, agent_id: str, status: str) -> None:
        super().__init__(agent_id, status, f"Cannot execute, server is in state: {status}")


class CannotResume(NotPossible):
    """Nothing waits for a decision, or the decisions do not fit; the interrupt stays as it was (B-62, B-83)."""

    def __init__(self, agent_id: str, status: str, why: str = "Cannot resume, server is not interrupted") -> None:
        super().__init__(agent_id, status, why)


class DecisionRefused(CannotResume):
    """A decision about one interrupt was not taken; `interrupt_id` says which. Everything is as it was."""

    def __init__(self, agent_id: str, status: str, why: str, interrupt_id: str = "", pointer: str = "") -> None:
        self.interrupt_id, self.pointer = interrupt_id, pointer
        super().__init__(agent_id, status, why)


class DecisionConflict(DecisionRefused):
    """Somebody has decided otherwise before; the message says who, what and when."""


class InterruptGone(DecisionRefused):
    """The interrupt is closed: it expired, a newer message superseded it, or its run was cancelled."""


class InterruptUnknown(DecisionRefused):
    """The agent has no interrupt of this id."""


class DigestMismatch(DecisionRefused):
    """The call is not the one that was seen: its arguments are others."""


class InvalidDecision(DecisionRefused):
    """The decision does not fit the interrupt or the tool; `pointer` (RFC 6901) says where in it."""


class Forbidden(DecisionRefused):
    """This person may not decide about this interrupt; the message says why."""


DECISION_ERRORS = {
    kind.__name__: kind
    for kind in (DecisionConflict, InterruptGone, InterruptUnknown, DigestMismatch, InvalidDecision, Forbidden)
}
"""By the name that stands on the wire."""


class CannotDismiss(NotPossible):
    """What waits is no halt, or nothing waits (B-63)."""

    def __init__(self, agent_id: str, status: str) -> None:
        interrupted = status == "interrupted"
        why = "interrupt requires explicit response (use resume)" if interrupted else f"not interrupted ({status})"
        super().__init__(agent_id, status, f"Cannot dismiss: {why}")


class CannotRestore(NotPossible):
    """A run is under way; cancel it first."""

    def __init__(self, agent_id: str, status: str) -> None:
        super().__init__(agent_id, status, f"Cannot restore a state while the agent is {status}; cancel the run first")


class AgentBusy(NotPossible):
    """The agent takes no message now: `while_running` or `while_interrupted` is `reject`."""

    def __init__(self, agent_id: str, status: str) -> None:
        super().__init__(agent_id, status, f"The agent takes no message while it is {status}")


class Fresh(NotPossible):
    """The agent was active a moment ago: a touch would change nothing."""

    def __init__(self, agent_id: str, status: str) -> None:
        super().__init__(agent_id, status, "The last activity is fresh; there is nothing to touch")


class CannotAnswer(SagentsError):
    """Temporal or the store is out of reach. This says nothing about whether the agent runs."""


class StoreError(SagentsError):
    """A store could not do what was asked."""


class StoreUnavailable(StoreError):
    """The store is out of reach for now; trying again is right."""


class Superseded(StoreError):
    """Another workflow run writes for this agent; what this one wanted to write was refused."""

    def __init__(self, agent_id: str, workflow_run_id: str, current: str) -> None:
        self.agent_id, self.workflow_run_id, self.current = agent_id, workflow_run_id, current
        super().__init__(f"{agent_id!r} is written by workflow run {current!r}, not by {workflow_run_id!r} any more.")


class Damaged(StoreError):
    """What is stored does not have the digest it is stored under."""


class StateUnavailable(SagentsError):
    """The agent's state could not be read just now; trying again is right."""


class NotHere(SagentsError):
    """This worker does not know an agent or a tool; during a rolling deploy another one may."""


class FileProblem(SagentsError):
    """What was asked of files cannot be. The message says what to do, to people and to models."""


class FileMissing(FileProblem):
    """There is no file of this path."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"File not found: {path}")


class FileTaken(FileProblem):
    """There is a file of this path already."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"File already exists: {path}")


class FileChanged(FileProblem):
    """The file is not, or not any more, in the version that was expected; nothing was written."""

    def __init__(self, path: str, why: str = "") -> None:
        self.path = path
        super().__init__(why or f"{path} was changed by somebody else meanwhile. Read it again.")


class FileRefused(FileProblem):
    """A path, a place or a content that is not allowed."""


class ModelErrorKind(StrEnum):
    """What to do about a failed model call."""

    RETRY = "retry"
    FALL_BACK = "fall_back"
    FAIL = "fail"


class ModelError(SagentsError):
    """A model call failed. `retry_after` is what the provider asked for."""

    def __init__(
        self, message: str, kind: ModelErrorKind = ModelErrorKind.FAIL, retry_after: timedelta | None = None
    ) -> None:
        self.kind, self.retry_after = kind, retry_after
        super().__init__(message)


class ToolServerFailed(SagentsError):
    """A server of tools, as an MCP server, is out of reach, or broke off in a call."""


class RunFailed(SagentsError):
    """`Outcome.unwrap` met a run that did not finish; `kind` and `error_type` say how it ended."""

    def __init__(self, kind: str, message: str, error_type: str | None = None) -> None:
        self.kind, self.error_type = kind, error_type
        super().__init__(message)
