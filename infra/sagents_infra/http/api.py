"""The whole API: its routes, what becomes of errors, and the document that describes both."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

import structlog
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from sagents.errors import SagentsError
from sagents_infra.http import (
    approvals,
    conversations,
    happenings,
    health,
    interrupts,
    lifetime,
    messages,
    problems,
    registry,
)
from sagents_infra.http.problems import Mistake, Problem, Refusal
from sagents_infra.http.resolver import CURRENT, Resolver, scopes_of
from sagents_infra.http.routing import SCHEME
from sagents_infra.sockets import route as tickets

log = structlog.get_logger(__name__)

ROUTERS = (
    conversations.router, messages.router, happenings.router, lifetime.router,
    interrupts.router, approvals.router, registry.router, health.router,
    tickets.router,
)  # fmt: skip


class Address(NamedTuple):
    """A route, and the scope that a caller needs; None where anybody may ask."""

    method: str
    path: str
    scope: str | None


@cache
def api() -> Resolver:
    """The resolver of this process, ready for several threads."""
    app = Resolver()
    for router in ROUTERS:
        app.include_router(router)
    app.get("/openapi.json", include_in_schema=False, enable_validation=False)(document)
    for kind, translate in TRANSLATIONS.items():
        app.exception_handler(kind)(translate)
    app.warm()
    return app


def routes() -> list[Address]:
    """Every route, by path and method."""
    app = api()
    found = (*app._static_routes, *app._dynamic_routes)
    return sorted(
        (Address(route.method, route.openapi_path, next(iter(scopes_of(route)), None)) for route in found),
        key=lambda address: (address.path, address.method),
    )


def document() -> Response[str]:
    """The OpenAPI document."""
    return Response(200, "application/json", written(), headers={"Cache-Control": "max-age=300"})


@cache
def written() -> str:
    """It as JSON; made when somebody asks."""
    from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer  # a tenth of a cold start, for this

    described = api().get_openapi_schema(
        title="Sagents",
        version=version("sagents"),
        openapi_version="3.1.0",
        description="Conversations with agents that outlive everything. Problems are RFC 9457 documents.",
        security_schemes={SCHEME: HTTPBearer(bearerFormat="JWT")},
    )
    return json.dumps(_ours_alone(described.model_dump(mode="json", by_alias=True, exclude_none=True)))


def _ours_alone(document: dict[str, Any]) -> dict[str, Any]:
    """Without the validation errors of Powertools' own form, which it describes everywhere and nobody ever gets."""
    theirs = [name for name in document["components"]["schemas"] if name.endswith("ValidationError")]
    for name in theirs:
        del document["components"]["schemas"][name]
    for item in document["paths"].values():
        for operation in item.values():
            answers = operation["responses"]
            for status in [one for one, answer in answers.items() if "ValidationError" in json.dumps(answer)]:
                del answers[status]
    return document


def _ours(error: SagentsError | Refusal) -> Response[str]:
    kind = error.kind if isinstance(error, Refusal) else problems.kind_of(error)
    if kind.status >= 500:
        log.warning("request failed", error=type(error).__name__, why=str(error))
    own = error.headers if isinstance(error, Refusal) else {}
    return problems.answer(problems.problem_of(error), {**kind.headers, **own})


def _bug(error: Exception) -> Response[str]:
    log.error("a request met a bug", exc_info=error)
    return problems.answer(problems.made(problems.BUG))


def _no_route(_: Exception) -> Response[str]:
    return problems.answer(problems.made(problems.NO_ROUTE))


def _unreadable(_: Exception) -> Response[str]:
    return problems.answer(problems.made(problems.UNSUPPORTED))


def _invalid(error: RequestValidationError) -> Response[str]:
    """What does not fit, by place; values are left out, for they may be secrets."""
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problems.answer(problems.made(problems.MALFORMED, f"It is no JSON that is taken: {_why(found[0])}."))
    if any(one["loc"][:1] == ("response",) for one in found):
        return _bug(error)
    body = None if all(one["loc"][:1] != ("body",) for one in found) else CURRENT.get().event.json_body
    mistakes = [Mistake(pointer=_place(one, body), detail=one["msg"]) for one in found[:20]]
    return problems.answer(_with(problems.made(problems.INVALID, "`errors` says where."), mistakes))


def _why(error: dict[str, Any]) -> str:
    return str((error.get("ctx") or {}).get("error", "malformed"))


def _place(mistake: dict[str, Any], body: Any) -> str:
    """A JSON pointer into the body, or the name of a parameter."""
    where, *path = mistake["loc"]
    if where != "body":
        return ".".join(map(str, path))
    kept = [part for part, there in _walked(path, body) if there or (part is path[-1] and mistake["type"] == "missing")]
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in kept)


def _walked(path: list[str | int], body: Any) -> Iterator[tuple[str | int, bool]]:
    """Each part of pydantic's path, and whether the body has it: the names of a union's members are not there."""
    for part in path:
        there = part in body if isinstance(body, dict) else isinstance(body, list) and isinstance(part, int)
        yield part, there
        body = body[part] if there else body


def _with(problem: Problem, mistakes: list[Mistake]) -> Problem:
    return problem.model_copy(update={"errors": mistakes})


TRANSLATIONS: dict[type[Exception], Any] = {
    SagentsError: _ours,
    Refusal: _ours,
    RequestValidationError: _invalid,
    RequestUnsupportedContentType: _unreadable,
    NotFoundError: _no_route,
    UnicodeDecodeError: lambda _: problems.answer(problems.made(problems.MALFORMED, "It is no UTF-8.")),
    Exception: _bug,
}
