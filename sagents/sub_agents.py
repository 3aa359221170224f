"""Sub-agents as applications describe them, and what they have of their parent (B-47…B-49)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sagents.errands import Delegate
from sagents.errors import InvalidAgent
from sagents.hooks import Middleware
from sagents.messages import Message
from sagents.policy import InterruptOn
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent, ModelLike

GENERAL_PURPOSE = "general-purpose"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""It becomes a part of the sub-agent's id."""

ALONE = """You are a sub-agent. Another agent has handed you a task; no user is present, and nobody answers questions. \
Complete the task with what you have. Where you cannot, say plainly that it failed and why. Your last message is your \
report: it is all that the other agent gets to see, so put everything into it that it needs."""
"""What every sub-agent is told first, unless it overrides its prompt (B-48)."""


@dataclass(frozen=True)
class Heritage:
    """What sub-agents have of their parent, or of what `SubAgent` gives in its place."""

    model: ModelLike | None = None
    middleware: tuple[Middleware, ...] | None = None
    blocked: tuple[type, ...] = ()

    @classmethod
    def of(
        cls,
        model: ModelLike | None,
        middleware: Sequence[Middleware | type[Middleware]] | None,
        block_middleware: Sequence[Any],
    ) -> Heritage:
        """The heritage. What is no class is left out of `block_middleware`, with a warning (B-45)."""
        from sagents.agent_checks import made_middleware

        blocked = tuple(kind for kind in block_middleware if isinstance(kind, type))
        if odd := [kind for kind in block_middleware if not isinstance(kind, type)]:
            warnings.warn(f"block_middleware takes classes; these block nothing: {odd!r}", stacklevel=4)
        return cls(model, None if middleware is None else made_middleware(middleware), blocked)

    def stack(self, parent: Agent, *, gates: bool) -> tuple[Middleware, ...]:
        """The inherited middleware. Who has the parent's tools has the gates before them, too."""
        from sagents.middleware.human_in_the_loop import HumanInTheLoop

        kept: list[Middleware] = []
        for middleware in parent.stack if self.middleware is None else self.middleware:
            if isinstance(middleware, HumanInTheLoop):
                kept += [middleware.for_heirs()] if gates else []
            elif middleware.inherited and not isinstance(middleware, self.blocked):
                kept.append(middleware)
        if gates and self.middleware is not None:
            kept += [one.for_heirs() for one in parent.stack if isinstance(one, HumanInTheLoop)]
        return tuple(kept)


@dataclass(frozen=True, kw_only=True)
class SubAgentConfig:
    """A sub-agent in words. Wrong options raise `InvalidAgent` here, not in a run.

    It says who it is by `instructions` or a `system_prompt` (both after what all sub-agents are told), or by a
    `system_prompt_override`, which stands alone. Without `tools` it has its parent's. `use_instructions` is what the
    parent's model may read before it words a task. A `quiet` one tells nothing while it works.
    """

    name: str
    description: str
    system_prompt: str | None = None
    instructions: str | None = None
    system_prompt_override: str | None = None
    use_instructions: str | None = None
    display_text: str | None = None
    tools: Sequence[Tool[..., Any]] | None = None
    model: ModelLike | None = None
    middleware: Sequence[Middleware | type[Middleware]] = ()
    interrupt_on: Mapping[str, InterruptOn] | None = None
    until_tool: str | Sequence[str] = ()
    until_tool_success: str | Sequence[str] = ()
    max_runs: int | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        _check_words(self)
        prompts = (self.system_prompt, self.instructions, self.system_prompt_override)
        if not any(isinstance(prompt, str) and prompt.strip() for prompt in prompts):
            raise InvalidAgent(f"{self.name}: give a system_prompt, instructions or a system_prompt_override.")
        if self.tools is not None and not tuple(self.tools):
            raise InvalidAgent(f"{self.name}: tools are at least one, or None for its parent's.")
        own = None if self.tools is None else [tool.name for tool in self.tools if isinstance(tool, Tool)]
        _check_targets(self, own)
        _check_agent(self, self.tools or (), self.middleware)

    def delegate(self, parent: Agent, heritage: Heritage, _prompt: str | None) -> Delegate:
        """The sub-agent of this parent."""
        prompts = [ALONE, self.system_prompt, self.instructions]
        if self.system_prompt_override is not None:
            prompts = [self.system_prompt_override]
        agent = _heir(
            parent,
            heritage,
            system_prompt="\n\n".join(prompt for prompt in prompts if prompt),
            tools=self.tools,
            model=self.model,
            middleware=self.middleware,
            interrupt_on=self.interrupt_on,
            max_runs=self.max_runs,
        )
        return _delegate(self, agent)


@dataclass(frozen=True, kw_only=True)
class CompiledSubAgent:
    """An agent that is ready as it is: it inherits nothing but scope, options and metadata.

    `initial_messages` are what it has heard before its instructions.
    """

    name: str
    description: str
    agent: Agent
    initial_messages: Sequence[Message] = ()
    use_instructions: str | None = None
    display_text: str | None = None
    until_tool: str | Sequence[str] = ()
    until_tool_success: str | Sequence[str] = ()
    max_runs: int | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        from sagents.agent import Agent

        _check_words(self)
        if not isinstance(self.agent, Agent):
            raise InvalidAgent(f"{self.name}: agent is an Agent, not {self.agent!r}.")
        messages: Any = self.initial_messages
        if isinstance(messages, str) or not all(isinstance(message, Message) for message in messages):
            raise InvalidAgent(f"{self.name}: initial_messages is a list of Messages, not {messages!r}.")
        _check_targets(self, None)

    def delegate(self, _parent: Agent, _heritage: Heritage, _prompt: str | None) -> Delegate:
        """The sub-agent, whoever its parent is."""
        return _delegate(self, self.agent, tuple(self.initial_messages))


@dataclass(frozen=True, kw_only=True)
class GeneralPurpose:
    """A sub-agent for anything: it has its parent's tools and middleware, and the prompt that the model gives it."""

    name: str = GENERAL_PURPOSE
    description: str = "Any work that none of the others is made for, with the same tools as you."
    use_instructions: str | None = None

    def delegate(self, parent: Agent, heritage: Heritage, prompt: str | None) -> Delegate:
        """The sub-agent of this parent."""
        return Delegate(agent=_heir(parent, heritage, system_prompt=f"{ALONE}\n\n{prompt}" if prompt else ALONE))


Described: TypeAlias = SubAgentConfig | CompiledSubAgent
Known: TypeAlias = Described | GeneralPurpose


def checked(described: Sequence[Described]) -> dict[str, Known]:
    """Sub-agents by their names; the general one is always among them (B-47)."""
    known: dict[str, Known] = {}
    for one in described:
        if not isinstance(one, SubAgentConfig | CompiledSubAgent):
            raise InvalidAgent(f"subagents takes SubAgentConfig and CompiledSubAgent, not {one!r}.")
        if one.name in known:
            raise InvalidAgent(f"Two sub-agents are named {one.name!r}; a model could not tell them apart.")
        known[one.name] = one
    known.setdefault(GENERAL_PURPOSE, GeneralPurpose())
    return known


def _heir(
    parent: Agent,
    heritage: Heritage,
    *,
    system_prompt: str,
    tools: Sequence[Tool[..., Any]] | None = None,
    model: ModelLike | None = None,
    middleware: Sequence[Middleware | type[Middleware]] = (),
    interrupt_on: Mapping[str, InterruptOn] | None = None,
    max_runs: int | None = None,
) -> Agent:
    """An agent with what it is given, and with what it inherits where it is given nothing."""
    from sagents.agent import Agent
    from sagents.agent_checks import made_middleware, stacked

    given = model or heritage.model
    inherited = heritage.stack(parent, gates=tools is None and interrupt_on is None)
    return Agent(
        model=given or parent.model,
        fallback_models=() if given else parent.fallback_models,
        before_fallback=None if given else parent.before_fallback,
        system_prompt=system_prompt,
        tools=parent.tools if tools is None else tools,
        middleware=stacked(inherited, made_middleware(middleware)),
        interrupt_on=interrupt_on,
        default_middleware=False,
        max_runs=max_runs or parent.max_runs,
    )


def _delegate(one: Described, agent: Agent, messages: tuple[Message, ...] = ()) -> Delegate:
    return Delegate(
        agent=agent,
        messages=messages,
        until_tool=_names(one.until_tool),
        until_tool_success=_names(one.until_tool_success),
        max_runs=one.max_runs,
        quiet=one.quiet,
    )


def _check_words(one: Described) -> None:
    if not isinstance(one.name, str) or not NAME.fullmatch(one.name):
        raise InvalidAgent(f"{one.name!r} is no name for a sub-agent: up to 100 letters, digits and . _ - are allowed.")
    if not isinstance(one.description, str) or not 0 < len(one.description.strip()) <= 500:
        raise InvalidAgent(f"{one.name}: description has 1 to 500 characters; it is what the model chooses by.")
    if one.display_text is not None and not 0 < len(one.display_text) <= 200:
        raise InvalidAgent(f"{one.name}: display_text has 1 to 200 characters.")
    if one.max_runs is not None and (isinstance(one.max_runs, bool) or one.max_runs < 1):
        raise InvalidAgent(f"{one.name}: max_runs is the most model calls of its run, at least 1.")


def _check_targets(one: Described, tools: Sequence[str] | None) -> None:
    """`tools` are the names of its own ones, where nothing else can be meant."""
    if one.until_tool and one.until_tool_success:
        raise InvalidAgent(f"{one.name}: until_tool and until_tool_success exclude each other; give one of them.")
    wanted = (*_names(one.until_tool), *_names(one.until_tool_success))
    if tools is not None and (unknown := ", ".join(name for name in wanted if name not in tools)):
        raise InvalidAgent(f"{one.name}: until_tool names {unknown}; its tools are {', '.join(tools)}.")


def _check_agent(one: SubAgentConfig, tools: Sequence[Any], middleware: Sequence[Any]) -> None:
    """Raises `InvalidAgent` for what no agent takes; what it inherits is known only when it is sent."""
    from sagents.agent import Agent

    try:
        Agent(model=one.model or "none:none", tools=tools, middleware=middleware, default_middleware=False)
    except InvalidAgent as error:
        raise InvalidAgent(f"{one.name}: {error}") from None


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
