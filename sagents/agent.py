"""The Agent: configuration made by code, never stored (L-14). What an agent knows is a `State`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from sagents.agent_checks import check_gates, check_options, checked_tools, gates, listed, made_middleware, stacked
from sagents.awaiting import called
from sagents.hooks import HookContext, Middleware
from sagents.middleware import default_stack
from sagents.policy import InterruptOn, Named, Policy, allow
from sagents.ports import Blobs, Model
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.asking import BeforeFallback
    from sagents.callbacks import Callbacks
    from sagents.decisions import Decision
    from sagents.errands import Delegate
    from sagents.messages import Message
    from sagents.outcome import Outcome
    from sagents.state import State

ModelLike: TypeAlias = str | Model
"""A model, or its name as `"anthropic:…"`."""
Names: TypeAlias = str | Sequence[str] | None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Agent:
    """A model with a prompt, tools and middleware (B-1). Wrong options raise `InvalidAgent` here, not in a run.

    `max_runs` is the most model calls of one run. `interrupt_on` says by tool whether people are asked first; it is
    short for the middleware `HumanInTheLoop(interrupt_on)`, which comes before the user's own.
    """

    model: ModelLike
    name: str | None = None
    agent_id: str | None = None
    system_prompt: str = ""
    tools: Sequence[Tool[..., Any]] = ()
    middleware: Sequence[Middleware | type[Middleware]] = ()
    interrupt_on: Mapping[str, InterruptOn] | None = None
    default_middleware: bool = True
    fallback_models: Sequence[ModelLike] = ()
    before_fallback: BeforeFallback | None = None
    """Called before every try of a model, the first included, with the `Attempt`; may return another one (B-14)."""
    max_runs: int = 50

    _stack: tuple[Middleware, ...] = field(init=False)
    _asked_for: frozenset[str] = field(init=False)
    """Ids of the middleware that is not there by default."""

    def __post_init__(self) -> None:
        check_options(self)
        own = made_middleware(self.middleware)
        self._keep(tools=checked_tools(self.tools), middleware=own)
        self._keep(fallback_models=listed("fallback_models", self.fallback_models))
        asked_for = (*gates(self.interrupt_on, own), *own)
        self._keep(_stack=stacked(default_stack() if self.default_middleware else (), asked_for))
        self._keep(_asked_for=frozenset(middleware.id for middleware in asked_for))
        check_gates(self)

    @property
    def stack(self) -> tuple[Middleware, ...]:
        """All middleware in order: the defaults, replaced in place by the user's of the same id, then the rest."""
        return self._stack

    async def all_tools(self, context: HookContext) -> tuple[Tool[..., Any], ...]:
        """The agent's own tools and those of its middleware. What is there by default gives way to others' names."""
        found: list[Tool[..., Any]] = list(self.tools)
        by_default: list[Tool[..., Any]] = []
        for middleware in self.stack:
            brought = await called(middleware.tools, context)
            (found if middleware.id in self._asked_for else by_default).extend(brought)
        taken = {tool.name for tool in checked_tools(found)}
        return checked_tools([*found, *(tool for tool in by_default if tool.name not in taken)])

    async def tool_named(self, name: str, context: HookContext) -> Tool[..., Any] | None:
        """The tool of this name, if the agent has it."""
        return next((tool for tool in await self.all_tools(context) if tool.name == name), None)

    async def system_prompt_for(self, context: HookContext) -> str:
        """The agent's prompt and what each middleware adds, a blank line between them, empty ones left out."""
        prompts = [self.system_prompt]
        for middleware in self.stack:
            added = await called(middleware.system_prompt, context)
            prompts += [added] if isinstance(added, str) else added or ()
        return "\n\n".join(prompt for prompt in prompts if prompt.strip())

    def policy_for(self, tool: Tool[..., Any]) -> Policy:
        """What stands before a tool's calls: the word of the first middleware that has one, else the tool's own."""
        for middleware in self.stack:
            found = middleware.policy(tool)
            if isinstance(found, Policy):
                return Named(found, middleware.id)
            if found is not None:
                raise TypeError(f"{middleware.id}.policy answered {found!r}; a policy is made by ask() or deny(...).")
        return Named(tool.approval, f"tool {tool.name}") if tool.approval else allow()

    async def delegate(self, name: str, system_prompt: str | None = None) -> Delegate | None:
        """The sub-agent of this name, as the first middleware that knows it makes it; None where none does."""
        for middleware in self.stack:
            found = await called(middleware.sub_agent, name, self, system_prompt)
            if found is not None:
                return found
        return None

    async def execute(
        self,
        state: State | Message | str,
        *,
        until_tool: Names = None,
        until_tool_success: Names = None,
        max_runs: int | None = None,
        callbacks: Callbacks | Sequence[Callbacks] = (),
        blobs: Blobs | None = None,
    ) -> Outcome:
        """Run in this process, without Temporal, until the agent is done or waits for somebody.

        A run never raises: its outcome says how it ended. Options that cannot be meant raise `InvalidInput`. Files are
        kept in `blobs`, else in memory, for as long as this object lives.
        """
        from sagents import inprocess

        return await inprocess.execute(
            self,
            state,
            until_tool=_names(until_tool),
            until_tool_success=_names(until_tool_success),
            max_runs=max_runs,
            callbacks=callbacks,
            blobs=blobs,
        )

    async def resume(
        self,
        state: State,
        decisions: Decision | Sequence[Decision],
        *,
        until_tool: Names = None,
        until_tool_success: Names = None,
        max_runs: int | None = None,
        callbacks: Callbacks | Sequence[Callbacks] = (),
        blobs: Blobs | None = None,
    ) -> Outcome:
        """Go on from an outcome's state with what people decided, in the order of the interrupts.

        The run keeps the options it was started with, unless others are given.
        """
        from sagents import inprocess

        given = tuple(decisions) if isinstance(decisions, Sequence) else (decisions,)
        return await inprocess.resume(
            self,
            state,
            given,
            until_tool=_names(until_tool),
            until_tool_success=_names(until_tool_success),
            max_runs=max_runs,
            callbacks=callbacks,
            blobs=blobs,
        )

    def __repr__(self) -> str:
        return f"<Agent {self.name or self.agent_id or ''} on {_model_name(self.model)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An Agent is configuration and is never stored or sent; its factory makes it again (L-14).")

    def _keep(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


def _names(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())


def _model_name(model: ModelLike) -> str:
    return model if isinstance(model, str) else model.name
