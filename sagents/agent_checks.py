"""What makes an agent's options valid. Each check raises `InvalidAgent` and says what to write instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sagents.errors import InvalidAgent
from sagents.hooks import Middleware
from sagents.middleware import HumanInTheLoop
from sagents.model_checks import check_model
from sagents.policy import InterruptOn
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent


def check_options(agent: Agent) -> None:
    """The plain options, one by one."""
    check_model("model", agent.model)
    for model in listed("fallback_models", agent.fallback_models):
        check_model("fallback_models", model)
    for option in ("name", "agent_id"):
        if not isinstance(getattr(agent, option), str | None):
            raise InvalidAgent(f"{option} is text or None, not {getattr(agent, option)!r}.")
    if not isinstance(agent.system_prompt, str):
        raise InvalidAgent(f"system_prompt is text, not {agent.system_prompt!r}; a changing one comes from middleware.")
    if isinstance(agent.max_runs, bool) or not isinstance(agent.max_runs, int) or agent.max_runs < 1:
        raise InvalidAgent(f"max_runs is the most model calls of a run, at least 1, not {agent.max_runs!r}.")
    if agent.before_fallback is not None and not callable(agent.before_fallback):
        raise InvalidAgent(f"before_fallback is a function, not {agent.before_fallback!r}.")


def listed(option: str, values: Iterable[Any]) -> tuple[Any, ...]:
    """The values of an option that takes several; one alone is a slip that would otherwise be taken apart."""
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise InvalidAgent(f"{option} takes a list, not {values!r}.")
    return tuple(values)


def checked_tools(tools: Iterable[Any]) -> tuple[Tool[..., Any], ...]:
    """The tools, each with a name of its own."""
    found = listed("tools", tools)
    for tool in found:
        if not isinstance(tool, Tool):
            raise InvalidAgent(f"tools takes tools, not {tool!r}; put `@tool` on a function.")
    if names := _repeated(tool.name for tool in found):
        raise InvalidAgent(f"Two tools are named {names}; a model could not tell them apart.")
    return found


def made_middleware(entries: Iterable[Any]) -> tuple[Middleware, ...]:
    """The middleware, classes made into objects, each with an id of its own (B-4, L-6)."""
    made = tuple(_made(entry) for entry in listed("middleware", entries))
    if ids := _repeated(middleware.id for middleware in made):
        raise InvalidAgent(f"Two middleware have the id {ids}; give one of them another `id`.")
    return made


def stacked(defaults: Sequence[Middleware], own: Sequence[Middleware]) -> tuple[Middleware, ...]:
    """The defaults, each replaced in its place by the user's of the same id, then the others of the user."""
    by_id = {middleware.id: middleware for middleware in own}
    placed = tuple(by_id.pop(default.id, default) for default in defaults)
    return (*placed, *by_id.values())


def gates(interrupt_on: Mapping[str, InterruptOn] | None, own: Sequence[Middleware]) -> tuple[Middleware, ...]:
    """The middleware that `interrupt_on` is short for; none where it says nothing (B-3)."""
    if interrupt_on is not None and not isinstance(interrupt_on, Mapping):
        raise InvalidAgent(
            f"interrupt_on is a dict from a tool's name to True, False or decisions, not {interrupt_on!r}."
        )
    if not interrupt_on:
        return ()
    if any(middleware.id == HumanInTheLoop.id for middleware in own):
        raise InvalidAgent("interrupt_on and HumanInTheLoop say the same; put what the first says into the second.")
    return (HumanInTheLoop(interrupt_on),)


def check_gates(agent: Agent) -> None:
    """A name that no tool of the agent can have would leave the meant one without its gate."""
    brought = [_brought(middleware) for middleware in agent.stack]
    if any(names is None for names in brought):
        return
    own = [tool.name for tool in agent.tools] + [name for names in brought for name in names or ()]
    named = [name for middleware in agent.stack if isinstance(middleware, HumanInTheLoop) for name in middleware.names]
    if unknown := ", ".join(name for name in named if name not in own):
        option = "interrupt_on" if agent.interrupt_on else HumanInTheLoop.__name__
        raise InvalidAgent(f"{option} names {unknown}; the agent's tools are {', '.join(own) or 'none'}.")


def _brought(middleware: Middleware) -> Sequence[str] | None:
    """The names of its tools; None where nobody knows, as where a subclass has other `tools` than those named."""
    if type(middleware).tools is Middleware.tools:
        return ()
    for kind in (middleware, *type(middleware).__mro__):
        if "tool_names" in vars(kind):
            return middleware.tool_names
        if "tools" in vars(kind):
            break
    return None


def _made(entry: Any) -> Middleware:
    try:
        middleware = entry() if isinstance(entry, type) else entry
    except Exception as error:
        raise InvalidAgent(f"Middleware {entry.__name__}: initialization failed: {error}") from error
    if not isinstance(middleware, Middleware):
        raise InvalidAgent(f"middleware takes objects of Middleware classes, not {entry!r}.")
    if not isinstance(middleware.id, str) or not middleware.id:
        raise InvalidAgent(f"The id of {type(middleware).__name__} is {middleware.id!r}; it has to be text.")
    return middleware


def _repeated(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name, count in Counter(names).items() if count > 1)
