"""The middleware protocol: where an agent's behaviour can be extended, and how its hooks are called."""

# ruff: noqa: ARG002 - the base class names every hook's arguments and uses none
from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from pydantic import JsonValue

from sagents.awaiting import MaybeAwaitable, called
from sagents.callbacks import Callbacks
from sagents.decisions import Decision
from sagents.errors import ModelError
from sagents.files import Files
from sagents.interrupts import Interrupt
from sagents.messages import Message
from sagents.ports import Model, ModelRequest
from sagents.replies import Pause
from sagents.state import State
from sagents.tools import Tool
from sagents.verdicts import Policy

if TYPE_CHECKING:
    from sagents.agent import Agent
    from sagents.errands import Delegate

HookAnswer: TypeAlias = State | Pause | None
"""What a hook makes of a state: a new one, a pause, or nothing to change."""


def _unheard(_type: str, _data: Mapping[str, JsonValue]) -> None:
    """Where nobody listens, as in a unit test of a middleware."""


class Ask(Protocol):
    """Asks a model beside the conversation, which hears nothing of it. Raises `ModelError` where none replies.

    The models are tried in turn, each as often as the agent's own; without any it is the agent's own that are asked.
    """

    def __call__(self, request: ModelRequest, /, *models: Model | str) -> Awaitable[Message]: ...


async def _unanswered(_request: ModelRequest, /, *_models: Model | str) -> Message:
    raise ModelError("There is no model to ask here; give the HookContext an `ask`.")


def _timeless() -> datetime:
    """The time where there is no clock, as in a unit test of a middleware."""
    return datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class HookContext:
    """What a hook sees of the agent and the run it is called for."""

    agent_id: str = ""
    agent_name: str = ""
    conversation_id: str | None = None
    scope: Mapping[str, JsonValue] = field(default_factory=dict)
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    run_id: str = ""
    step: int = 0
    model: str = ""
    requesters: tuple[str, ...] = ()
    """Who sent the messages that the run answers, as far as doors know. Known in a model step."""
    path: tuple[str, ...] = ()
    """The sub-agents that lead here by name, outermost first; empty for an agent that people talk to."""
    children: int = 0
    """Sub-agents that this run has called so far. Known in a model step."""
    files: Files = field(default_factory=Files, repr=False)
    """The agent's files; `files.of("project")` are those of its project."""
    emit: Callable[[str, Mapping[str, JsonValue]], None] = field(default=_unheard, repr=False)
    now: Callable[[], datetime] = field(default=_timeless, repr=False)
    ask: Ask = field(default=_unanswered, repr=False)


class _ClassName:
    """A middleware's id unless it sets one: the name of its class."""

    def __get__(self, middleware: object, kind: type) -> str:
        return kind.__name__


class Middleware:
    """Behaviour added to an agent. Every hook is optional, async or sync; the object is its configuration (B-25).

    *before* hooks run in the order of the stack, *after* hooks in reverse (E-74). A hook that takes a state returns
    the new one, a `Pause`, or None for no change, and raises `RaiseInterrupt` to ask a person. All may do I/O.
    """

    id: str = cast(str, _ClassName())
    tool_names: Sequence[str] | None = None
    """The names of its tools, where they are always the same: then a gate for no tool is found when agents are made."""
    inherited: bool = True
    """Whether sub-agents have it too when their parent has it (B-49)."""

    def system_prompt(self, context: HookContext, /) -> MaybeAwaitable[str | Sequence[str] | None]:
        """What it adds to the system prompt."""
        return None

    def tools(self, context: HookContext, /) -> MaybeAwaitable[Sequence[Tool[..., Any]]]:
        """The tools it brings."""
        return ()

    def policy(self, tool: Tool[..., Any], /) -> Policy | None:
        """What stands before a tool's calls; None where it has nothing to say.

        The first middleware that answers is the one that counts, before the tool's own `approval`, which it can see.
        """
        return None

    def sub_agent(
        self, name: str, parent: Agent, system_prompt: str | None = None, /
    ) -> MaybeAwaitable[Delegate | None]:
        """The sub-agent of this name, made anew for its parent; None where it does not know it."""
        return None

    def before_run(self, state: State, context: HookContext, /) -> MaybeAwaitable[HookAnswer]:
        """Once, before a run's first model call."""
        return None

    def before_model(self, state: State, context: HookContext, /) -> MaybeAwaitable[HookAnswer]:
        """Before each model call."""
        return None

    def after_model(self, state: State, context: HookContext, /) -> MaybeAwaitable[HookAnswer]:
        """After each model call, with the reply in the state; what it changes is what the transcript keeps (B-28)."""
        return None

    def after_run(self, state: State, context: HookContext, /) -> MaybeAwaitable[HookAnswer]:
        """Once, after a run that finished; not after an interrupt, a pause or an error."""
        return None

    def handle_message(self, message: JsonValue, state: State, context: HookContext, /) -> MaybeAwaitable[HookAnswer]:
        """A message sent to this middleware by its id (B-27)."""
        return None

    def on_start(self, state: State, context: HookContext, /) -> MaybeAwaitable[HookAnswer]:
        """When the agent starts or wakes."""
        return None

    def handle_resume(
        self, interrupt: Interrupt, decision: Decision, state: State, context: HookContext, /
    ) -> MaybeAwaitable[HookAnswer]:
        """A person's decision. A state (unchanged is fine) says that it is dealt with, None leaves it to the next."""
        return None

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        """Whether an interrupt with this data can still be answered after a restart."""
        return False

    def transform_display_message(self, message: Message, /) -> MaybeAwaitable[Message]:
        """The message as people see it; what the agent knows stays as it is."""
        return message

    def observers(self) -> Callbacks:
        """Functions to call when something happens (B-26)."""
        return {}

    def debug_summary(self) -> JsonValue:
        """What a developer wants to see of its configuration; no secrets."""
        return {}


async def state_hook(middleware: Middleware, name: str, /, *arguments: Any) -> HookAnswer:
    """What the named hook makes of a state; raises `TypeError` where that is no answer."""
    answer: object = await called(getattr(middleware, name), *arguments)
    if answer is None or isinstance(answer, State | Pause):
        return answer
    where = f"{type(middleware).__name__}.{name}"
    raise TypeError(f"{where} returned {type(answer).__name__}; a hook returns a State, a Pause or None.")
