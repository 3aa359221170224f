"""A tool: a typed Python function that a model may call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from pydantic import JsonValue

from sagents.docstrings import read_docstring
from sagents.errors import InvalidAgent
from sagents.mistakes import InvalidArguments
from sagents.plan import WorkerLoss
from sagents.ports import ToolSpec
from sagents.replies import ModelRetry, Pause, RaiseInterrupt, ToolResult
from sagents.tool_context import ToolContext
from sagents.tool_options import ToolOptions, check_name, check_options, humanised
from sagents.tool_schema import (
    Parameters,
    SchemaParameters,
    parameters_of,
    signature_of,
    takes_context,
)
from sagents.user_functions import is_async, takes_two
from sagents.verdicts import Policy

__all__ = [
    "InvalidArguments",
    "ModelRetry",
    "Pause",
    "RaiseInterrupt",
    "Tool",
    "ToolContext",
    "ToolOptions",
    "ToolResult",
    "tool",
]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Tool(Generic[P, R]):
    """What a model may call. Made by `@tool`; calling it calls the function."""

    name: str
    function: Callable[..., R]
    arguments: Parameters
    description: str = ""
    display_text: str = ""
    takes_context: bool = False
    is_async: bool = False
    timeout: timedelta = timedelta(minutes=5)
    attempts: int | None = None
    """How often it is executed, without a wait in between; None: as the application's `Retries.tool` says."""
    on_worker_loss: WorkerLoss = WorkerLoss.RETRY
    inline: bool = False
    parallel: bool = True
    errand: bool = False
    """Whether the function returns an `Errand`: a sub-agent does the work."""
    approval: Policy | None = field(default=None)
    revalidate: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        check_options(self)
        object.__setattr__(self, "display_text", self.display_text or humanised(self.name))
        object.__setattr__(self, "on_worker_loss", WorkerLoss(self.on_worker_loss))

    @classmethod
    def from_schema(
        cls,
        *,
        name: str,
        description: str,
        parameters: Mapping[str, JsonValue],
        function: Callable[[ToolContext, dict[str, Any]], Any],
        **options: Any,
    ) -> Tool[..., Any]:
        """A tool that a JSON Schema describes instead of a signature; `function` gets the context and the arguments."""

        def call(context: ToolContext, /, **arguments: Any) -> Any:
            return function(context, arguments)

        return Tool(
            name=name,
            description=description,
            arguments=SchemaParameters(dict(parameters)),
            function=call,
            takes_context=True,
            is_async=inspect.iscoroutinefunction(function),
            **options,
        )

    @property
    def parameters(self) -> Mapping[str, JsonValue]:
        """The JSON Schema of the arguments."""
        return self.arguments.schema

    def spec(self) -> ToolSpec:
        """The tool as a model sees it."""
        return ToolSpec(name=self.name, description=self.description, parameters=self.parameters)

    def validated(self, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        """The arguments, or their JSON text, as Python values; raises `InvalidArguments` with a text for the model."""
        return self.arguments.validated(self.name, arguments)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> object:
        """Run the function with validated arguments; a sync one in a thread, with the caller's context variables."""
        if self.is_async:
            return await cast(Awaitable[object], self._bound(context)(**arguments))
        return await _in_thread(context, lambda inner: self._bound(inner)(**arguments))

    async def revalidated(self, arguments: Mapping[str, Any], context: ToolContext) -> object:
        """What `revalidate` says of a call whose approval has come; None where it has nothing against it."""
        check = self.revalidate
        if check is None:
            return None
        with_context = takes_two("revalidate", check)
        if is_async(check):
            return await (check(context, arguments) if with_context else check(arguments))
        return await _in_thread(context, lambda inner: check(inner, arguments) if with_context else check(arguments))

    def bound(self, context: ToolContext) -> Callable[P, R]:
        """The function with its context filled in, for calling it by hand: `refund.bound(context)(order="7")`."""
        return self._bound(context)

    def _bound(self, context: ToolContext) -> Callable[..., R]:
        return partial(self.function, context) if self.takes_context else self.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.takes_context:
            raise TypeError(f"{self.name} takes a ToolContext; call {self.name}.bound(ToolContext(...))(...).")
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Tool {self.name}>"


class ToolMaker(Protocol):
    """What `@tool(...)` returns: it makes a tool of the function below it."""

    @overload
    def __call__(self, function: Callable[Concatenate[ToolContext, P], R], /) -> Tool[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def tool(function: Callable[Concatenate[ToolContext, P], R], /, **options: Unpack[ToolOptions]) -> Tool[P, R]: ...
@overload
def tool(function: Callable[P, R], /, **options: Unpack[ToolOptions]) -> Tool[P, R]: ...
@overload
def tool(**options: Unpack[ToolOptions]) -> ToolMaker: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of a typed function: its signature is the schema, its docstring what the model reads.

    `inline` is for cheap, repeatable tools that only touch the state: they run within the model step.
    """
    if unknown := sorted(options.keys() - ToolOptions.__annotations__.keys()):
        raise InvalidAgent(
            f"@tool has no option {', '.join(unknown)}; it has {', '.join(ToolOptions.__annotations__)}."
        )
    return partial(_made, **options) if function is None else _made(function, **options)


def _made(function: Callable[..., Any], *, name: str | None = None, **options: Any) -> Tool[..., Any]:
    named = name or getattr(function, "__name__", None)
    if not callable(function) or named is None:
        raise InvalidAgent(f"@tool makes a tool of a function, not of {function!r}; an object needs a `name` too.")
    check_name(named)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidAgent(f"Tool {named!r} is a generator; return one value and report steps by `context.progress`.")
    signature = signature_of(named, function)
    description, descriptions = read_docstring(function)
    return Tool(
        name=named,
        description=description,
        function=function,
        arguments=parameters_of(named, signature, descriptions, getattr(function, "__module__", __name__)),
        takes_context=takes_context(signature),
        is_async=is_async(function),
        **options,
    )


async def _in_thread(context: ToolContext, function: Callable[[ToolContext], object]) -> object:
    """What a sync function answers in a thread, called with the context as a thread may use it."""
    inner = context.in_thread(asyncio.get_running_loop())
    answer = await asyncio.to_thread(_run, partial(function, inner))
    return await answer if inspect.isawaitable(answer) else answer


def _run(function: Callable[[], object]) -> object:
    try:
        return function()
    except StopIteration as error:  # asyncio refuses it as an exception of a future, and the await would never end
        raise RuntimeError("the tool raised StopIteration") from error
