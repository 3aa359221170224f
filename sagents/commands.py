"""What people and programs tell an agent. A handler takes a command as a note; the loop acts on it at a boundary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from sagents.decision_log import Remember
from sagents.decisions import Decision
from sagents.lifecycle import LONGEST, MILLISECOND
from sagents.new_message import Command as Command
from sagents.new_message import NewMessage as NewMessage
from sagents.plan import RunSpec
from sagents.principal import Attestation, Who
from sagents.viewers import NOBODY_SAID

MOST_MS = LONGEST // MILLISECOND
"""A longer time is no time: the kernel could not add it to a moment."""


class Execute(Command):
    """Run on what is in the state."""

    kind: Literal["execute"] = "execute"
    id: str | None = None
    until_tool: tuple[str, ...] = ()
    until_tool_success: tuple[str, ...] = ()
    max_runs: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.until_tool and self.until_tool_success:
            raise ValueError("`until_tool` and `until_tool_success` exclude each other; give one of them")
        return self

    def run(self, run_id: str) -> RunSpec:
        """The run that is asked for."""
        return RunSpec(
            id=run_id, until_tool=self.until_tool, until_tool_success=self.until_tool_success, max_runs=self.max_runs
        )


class Answering(Command):
    """A decision on one interrupt; without `interrupt_id` its place in the list says which one is meant.

    With a `digest` it is about the call of that digest and no other: an interrupt's own, or a proposed edit's.
    """

    decision: Decision
    interrupt_id: str | None = None
    digest: str | None = None
    remember: Remember | None = None

    @field_validator("remember")
    @classmethod
    def _all_understood(cls, remember: Remember | None) -> Remember | None:
        """A misspelt `ttl_ms` would let calls run for ever without asking."""
        if remember is not None and remember.model_extra:
            raise ValueError(f"remember has scope, match and ttl_ms, not {', '.join(sorted(remember.model_extra))}")
        return remember

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, data: JsonValue) -> JsonValue:
        """`{"type": "reject", "reason": "..."}`, with or without `interrupt_id` beside it, as the wire has it."""
        if not isinstance(data, dict):
            return data
        given = {key: value for key, value in data.items() if key not in ("by", "tool_call_id")}
        if data.get("tool_call_id") is not None:
            given.setdefault("interrupt_id", f"int_{data['tool_call_id']}")
        if "decision" in given:
            return {**given, "decision": _ours(given["decision"])}
        beside = ("interrupt_id", "digest", "remember")
        decision = {key: value for key, value in given.items() if key not in beside}
        return {"decision": _ours(decision), **{key: given[key] for key in beside if key in given}}


def _ours(decision: Any) -> Any:
    """A decision by our names; the reference answers a question by `answer` and `cancel` (B-93)."""
    match decision:
        case {"type": "answer", **answer}:
            return {"type": "respond", "content": answer}
        case {"type": "cancel", **reason}:
            return {"type": "reject", **reason}
        case _:
            return decision


class Resume(Command):
    """Decisions in the order of the pending interrupts (B-82) or with their `interrupt_id`; none continues a pause.

    `attestation` is a door's word for who decided. `who` is what the agent makes of it: doors leave it empty.
    """

    kind: Literal["resume"] = "resume"
    decisions: tuple[Answering, ...] = ()
    attestation: Attestation | None = None
    who: Who | None = None

    @field_validator("attestation")
    @classmethod
    def _with_time_zones(cls, word: Attestation | None) -> Attestation | None:
        """The kernel compares these with its deadlines before anybody has checked the signature."""
        moments = () if word is None else (("at", word.at), ("principal.expires_at", word.principal.expires_at))
        if bare := [name for name, moment in moments if moment is not None and moment.tzinfo is None]:
            raise ValueError(f"{', '.join(bare)}: the times of a signed decision have a time zone")
        return word


class Cancel(Command):
    """End the run that is under way; queued messages stay."""

    kind: Literal["cancel"] = "cancel"
    reason: str | None = None


class Stop(Command):
    """Save and leave, once the run under way has ended; after a while it is cancelled (L-42).

    `patience_ms` is that while, else the lifecycle's; the most impatient of several stops counts.
    """

    kind: Literal["stop"] = "stop"
    reason: str = "manual"
    patience_ms: Annotated[int, Field(ge=0, le=MOST_MS)] | None = None


class Reset(Command):
    """Forget messages, todos and metadata; what runs is cancelled first (B-67)."""

    kind: Literal["reset"] = "reset"
    id: str | None = None


class RestoreState(Command):
    """Replace the state by an export that was deposited in the store under `key` (B-66)."""

    kind: Literal["restore_state"] = "restore_state"
    key: str
    id: str | None = None


class Dismiss(Command):
    """Close a halt without an answer; other interrupts want one (B-63)."""

    kind: Literal["dismiss"] = "dismiss"


class Configure(Command):
    """Change how a living agent behaves: its lifecycle, and the options that its factory reads (K-20)."""

    kind: Literal["configure"] = "configure"
    lifecycle: Mapping[str, JsonValue] | None = None
    options: Mapping[str, JsonValue] | None = None


class NotifyMiddleware(Command):
    """A message for one middleware (B-27)."""

    kind: Literal["notify_middleware"] = "notify_middleware"
    middleware: str
    message: JsonValue = None


class ViewerJoined(Command):
    """Somebody looks at the conversation. `lease_ms` is how long without a renewal; without one, until they leave."""

    viewer: Annotated[str, Field(min_length=1, max_length=200)]
    connection: str = NOBODY_SAID
    lease_ms: Annotated[int, Field(ge=1, le=MOST_MS)] | None = None
    topic: str | None = None
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)


class ViewerLeft(Command):
    """A connection closed, or with none named the person has gone."""

    viewer: Annotated[str, Field(min_length=1, max_length=200)]
    connection: str | None = None
    topic: str | None = None


Note = Annotated[
    NewMessage | Execute | Resume | Cancel | Stop | Reset | RestoreState | Dismiss | Configure | NotifyMiddleware,
    Field(discriminator="kind"),
]
