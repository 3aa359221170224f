"""The registry: which agents an application has, and how each is made from code."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar, overload

from pydantic import JsonValue

from sagents.agent import Agent, ModelLike
from sagents.app_loading import load_attribute
from sagents.awaiting import called
from sagents.errands import Delegate
from sagents.errors import AgentNotRegistered, InvalidAgent
from sagents.persistence import AgentPersistence, DisplayMessagePersistence, checked_persistence
from sagents.plan import AgentRef, Link
from sagents.registering import Registry, Saver, checked_factory, checked_saver
from sagents.retries import Retries


@dataclass(frozen=True, kw_only=True)
class AgentRequest:
    """What a factory may know of the agent that it makes. `options` are the request's: a time zone, a model's name."""

    agent_id: str = ""
    conversation_id: str | None = None
    scope: Mapping[str, JsonValue] = field(default_factory=dict)
    options: Mapping[str, JsonValue] = field(default_factory=dict)


Factory: TypeAlias = Callable[[AgentRequest], Agent | Awaitable[Agent]]
F = TypeVar("F", bound=Factory)
S = TypeVar("S", bound=Callable[..., object])
Override: TypeAlias = ModelLike | Sequence[ModelLike]


class Sagents:
    """An application: agents by name, savers, listeners and how things are tried again.

    Everything in it comes from code and is never stored (L-14), so a deploy changes what agents do, not what they know.
    """

    def __init__(
        self,
        *,
        retries: Retries | None = None,
        persistence: AgentPersistence | None = None,
        display: DisplayMessagePersistence | None = None,
    ) -> None:
        """`persistence` keeps states and `display` transcripts, too, in a store of the application's own."""
        self.retries = retries or Retries()
        self.persistence: AgentPersistence | None = checked_persistence(
            persistence, AgentPersistence, "persist_state", "load_state"
        )
        self.display: DisplayMessagePersistence | None = checked_persistence(
            display, DisplayMessagePersistence, "save_message", "update_tool_status"
        )
        self._factories: Registry[Factory] = Registry("agent")
        self._savers: Registry[Saver] = Registry("saver")
        self._listeners: list[Callable[..., object]] = []
        self._models: Mapping[str, Override] = {}

    @classmethod
    def load(cls, spec: str) -> Sagents:
        """The application that `"module:attribute"` names; `AppNotFound` says what was looked for."""
        return load_attribute(spec, cls)

    @overload
    def agent(self, name: str, /) -> Callable[[F], F]: ...
    @overload
    def agent(self, name: str, agent: Agent, /) -> Agent: ...
    def agent(self, name: str, agent: Agent | None = None, /) -> Any:
        """Register a factory, as a decorator, or an agent that is the same for everybody."""
        self._factories.check_name(name)
        if agent is None:
            return lambda factory: self._factories.add(name, checked_factory(name, factory), factory)
        if not isinstance(agent, Agent):
            raise InvalidAgent(f"app.agent({name!r}, ...) takes an Agent; a factory goes below `@app.agent({name!r})`")
        return self._factories.add(name, lambda _request: agent, agent)

    def saver(self, name: str, /) -> Callable[[S], S]:
        """Register where states go too, a function of `(agent_id, exported_state)` and, if it likes, a context."""
        self._savers.check_name(name)
        return lambda function: self._savers.add(name, checked_saver(name, function), function)

    def on_new_message(self, function: S, /) -> S:
        """Register a listener for each new message: a function of `(conversation_id, message)` (L-10)."""
        self._listeners.append(function)
        return function

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the agents, as registered."""
        return self._factories.names

    @property
    def default_agent(self) -> str | None:
        """The only agent, if there is just one: who asks for none means it."""
        return self.names[0] if len(self.names) == 1 else None

    @property
    def savers(self) -> Mapping[str, Saver]:
        """The savers by name."""
        return self._savers.entries

    @property
    def message_listeners(self) -> tuple[Callable[..., object], ...]:
        """Who wants to hear of new messages."""
        return tuple(self._listeners)

    def with_models(self, models: Mapping[str, Override]) -> Sagents:
        """The same application with other models by agent's name, for tests; a list is a model and its fallbacks.

        A sub-agent is named by its path: `"helper/research"`.
        """
        for name in models:
            self._factory(name.partition("/")[0])
        other = copy.copy(self)
        other._models = {**self._models, **models}
        return other

    async def make(self, ref: AgentRef) -> Agent:
        """The agent that a reference means, made anew by its factory.

        Raises `AgentNotRegistered` for a name that nobody registered, `InvalidAgent` for a factory that cannot.
        """
        return (await self.delegated(ref)).agent

    async def delegated(self, ref: AgentRef) -> Delegate:
        """The same with all that a sub-agent is sent with."""
        place = (ref.sub.root_name if ref.sub else ref.name) or self.default_agent or ""
        agent = await self._made(place, _request(ref))
        found = Delegate(agent=self._named(agent, place, agent.name or place, ref.root_id))
        for link in ref.sub.path if ref.sub else ():
            place, parent = f"{place}/{link.name}", found.agent
            below = await _below(parent, link, place)
            found = replace(below, agent=self._named(below.agent, place, link.name, ref.agent_id))
        return found

    def _named(self, agent: Agent, place: str, name: str, agent_id: str) -> Agent:
        named = replace(agent, name=name, agent_id=agent_id or agent.agent_id)
        return _with_model(named, self._models[place]) if place in self._models else named

    async def _made(self, name: str, request: AgentRequest) -> Agent:
        factory = self._factory(name)
        try:
            agent: object = await called(factory, request)
        except Exception as error:
            raise InvalidAgent(f"The factory of {name!r} failed: {type(error).__name__}: {error}") from error
        if not isinstance(agent, Agent):
            raise InvalidAgent(f"The factory of {name!r} returned {type(agent).__name__}; it has to return an Agent.")
        return agent

    def _factory(self, name: str) -> Factory:
        factory = self._factories.entries.get(name)
        if factory is None:
            raise AgentNotRegistered(name, self.names)
        return factory


def load_app(spec: str) -> Sagents:
    """The application that `"module:attribute"` names; `AppNotFound` says what was looked for."""
    return Sagents.load(spec)


async def _below(parent: Agent, link: Link, place: str) -> Delegate:
    """A sub-agent from its parent. One that is not there may be on a newer worker."""
    try:
        found = await parent.delegate(link.name, link.system_prompt)
    except Exception as error:
        raise InvalidAgent(f"The sub-agent {place!r} could not be made: {type(error).__name__}: {error}") from error
    if found is None:
        raise AgentNotRegistered(place)
    return found


def _request(ref: AgentRef) -> AgentRequest:
    return AgentRequest(agent_id=ref.root_id, conversation_id=ref.conversation_id, scope=ref.scope, options=ref.options)


def _with_model(agent: Agent, override: Override) -> Agent:
    models = list(override) if isinstance(override, Sequence) and not isinstance(override, str) else [override]
    return replace(agent, model=models[0], fallback_models=tuple(models[1:]))
