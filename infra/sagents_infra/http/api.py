"""The whole API: its resolver, and what becomes of errors."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import structlog
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from sagents.errors import SagentsError
from sagents_infra.http import problems
from sagents_infra.http.problems import Mistake, Problem, Refusal
from sagents_infra.http.resolver import CURRENT, Resolver

log = structlog.get_logger(__name__)


@cache
def api() -> Resolver:
    """The resolver of this process, ready for several threads."""
    app = Resolver()
    for kind, translate in TRANSLATIONS.items():
        app.exception_handler(kind)(translate)
    return app


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
