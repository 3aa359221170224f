"""What people and programs tell an agent. A handler takes a command as a note; the loop acts on it at a boundary."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, model_validator

from sagents.decisions import Decision
from sagents.frozen import Frozen
from sagents.messages import ContentPart, Message
from sagents.plan import RunSpec


class Command(Frozen):
    """Doors are strict: a misspelt field is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid")


class NewMessage(Command):
    """A user's message; it starts a run, or waits for the end of the one under way. A repeated `id` is ignored."""

    kind: Literal["message"] = "message"
    content: str | tuple[ContentPart, ...]
    id: str | None = None
    display: str | None = None

    @property
    def message(self) -> Message:
        return Message.user(self.content, id=self.id)


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
    """A decision on one interrupt; without `interrupt_id` its place in the list says which one is meant."""

    decision: Decision
    interrupt_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, data: JsonValue) -> JsonValue:
        """`{"type": "reject", "reason": "..."}`, with or without `interrupt_id` beside it, as the wire has it."""
        if isinstance(data, dict) and "decision" not in data:
            rest = {key: value for key, value in data.items() if key != "interrupt_id"}
            return {"decision": rest, "interrupt_id": data.get("interrupt_id")}
        return data


class Resume(Command):
    """Decisions in the order of the pending interrupts (B-82) or with their `interrupt_id`; none continues a pause."""

    kind: Literal["resume"] = "resume"
    decisions: tuple[Answering, ...] = ()


class Cancel(Command):
    """End the run that is under way; queued messages stay."""

    kind: Literal["cancel"] = "cancel"
    reason: str | None = None


class Stop(Command):
    """Save and leave."""

    kind: Literal["stop"] = "stop"
    reason: str = "manual"


Note = Annotated[NewMessage | Execute | Resume | Cancel | Stop, Field(discriminator="kind")]
NOTE: TypeAdapter[Note] = TypeAdapter(Note)
