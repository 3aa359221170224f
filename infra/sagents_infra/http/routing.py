"""What every route is made of: who asks, the desk, and how its answers and problems are described."""

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.request import Request
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel

from sagents_infra.http import problems
from sagents_infra.http.desk import Desk
from sagents_infra.http.identity import ADMIN, APPROVE, READ, WRITE, Caller
from sagents_infra.http.office import Office
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.problems import Kind, Problem
from sagents_infra.http.resolver import CURRENT

P = ParamSpec("P")
T = TypeVar("T")
Security = list[dict[str, list[str]]]

SCHEME = "jwt"
READS: Security = [{SCHEME: [READ]}]
WRITES: Security = [{SCHEME: [WRITE]}]
APPROVES: Security = [{SCHEME: [APPROVE]}]
ADMINISTERS: Security = [{SCHEME: [ADMIN]}]

ALWAYS = (
    problems.MALFORMED, problems.UNAUTHENTICATED, problems.MISSING_SCOPE, problems.TOO_LARGE, problems.UNSUPPORTED,
    problems.INVALID, problems.TOO_MANY, problems.AWAY,
)  # fmt: skip
"""What any request with a token may meet."""


def _caller(request: Request) -> Caller:
    caller: Caller = request.context["caller"]
    return caller


def _desk(request: Request) -> Desk:
    office: Office = request.context["office"]
    return office.desk


def _options(request: Request) -> HttpOptions:
    options: HttpOptions = request.context["options"]
    return options


Me = Annotated[Caller, Depends(_caller)]
TheDesk = Annotated[Desk, Depends(_desk)]
Options = Annotated[HttpOptions, Depends(_options)]


def new_router() -> APIGatewayHttpRouter:
    """A router for some of the routes."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # Powertools' has no types


def waits(route: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """The route as Powertools calls it: it waits while the office's loop does the work."""

    @wraps(route)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        office: Office = CURRENT.get().context["office"]
        return office.run(route(*args, **kwargs))

    call.__signature__ = inspect.signature(route)  # type: ignore[attr-defined] # what it takes is read from here
    return call


def answers(status: int, model: type[BaseModel], what: str, *kinds: Kind) -> dict[int, Any]:
    """The responses of a route for the OpenAPI document: the good one, and problems by status."""
    return unguarded(status, model, what, *ALWAYS, *kinds)


def unguarded(status: int, model: type[BaseModel], what: str, *kinds: Kind) -> dict[int, Any]:
    """The same of a route that asks for no token."""
    good: dict[int, Any] = {status: {"description": what, "content": {"application/json": {"model": model}}}}
    by_status: dict[int, list[Kind]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return good | {code: _described(those) for code, those in sorted(by_status.items())}


def _described(kinds: list[Kind]) -> dict[str, Any]:
    return {
        "description": "; ".join(f"{kind.title} (`{problems.TYPES}{kind.slug}`)" for kind in kinds),
        "content": {problems.CONTENT_TYPE: {"model": Problem}},
    }
