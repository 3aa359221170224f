"""Powertools' resolver, for several requests at once.

Powertools keeps the current request on a class, which is enough for Lambda: one process, one request. Here it is in a
context variable, so that the local server can hand requests of many threads to the very same routes.
"""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from threading import RLock
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import ResponseBuilder, Route
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from sagents.nesting import MAX_DEPTH, is_deep
from sagents_infra.http.identity import caller_of
from sagents_infra.http.problems import UNSUPPORTED, Refusal, answer, problem_of
from sagents_infra.http.table import module_of


@dataclass
class Current:
    """The request that this thread is at."""

    event: APIGatewayProxyEventV2
    lambda_context: Any
    context: dict[str, Any] = field(default_factory=dict)


FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

CURRENT: ContextVar[Current] = ContextVar("current request")


class Resolver(APIGatewayHttpResolver):
    """Routes and validates as its base does. A route's `security` names the scopes of which a caller needs one.

    The modules of the table's routes are loaded by the first request that needs them.
    """

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}
        self._added: frozenset[str] = frozenset()
        self._adding = RLock()
        super().__init__(enable_validation=True, json_body_deserializer=loaded)

    # Properties here, plain attributes of the class there.

    @property
    def current_event(self) -> Any:  # type: ignore[override]
        return CURRENT.get().event

    @property
    def lambda_context(self) -> Any:  # type: ignore[override]
        return CURRENT.get().lambda_context

    @property
    def context(self) -> dict[str, Any]:
        current = CURRENT.get(None)
        return self._shared if current is None else current.context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._shared = value

    def resolve(self, event: Mapping[str, Any], context: Any, **beside: Any) -> dict[str, Any]:
        """The response to an event; routes find what is `beside` it in the request's context."""
        # Some clients quote what need not be quoted, and not every gateway takes that back.
        path = unquote(event.get("rawPath") or "/")
        wrapped = APIGatewayProxyEventV2({**event, "rawPath": path}, loaded)
        if (module := module_of(wrapped.http_method, wrapped.path)) is not None:
            self.add(module)
        token = CURRENT.set(Current(wrapped, context, beside))
        try:
            return self._build_response(self._resolve())
        finally:
            CURRENT.reset(token)

    def add(self, module: str) -> None:
        """Load the routes of a module, once."""
        if module in self._added:
            return
        with self._adding:
            if module not in self._added:
                self.include_router(import_module(module).router)
                self._warm()
                self._added |= {module}

    def _warm(self) -> None:
        """Build what routes build when they are called first, which two threads must not do at once."""
        for route in (*self._static_routes, *self._dynamic_routes):
            if not route._middleware_stack_built:
                route._build_middleware_stack(router_middlewares=self._router_middlewares, app=self)
            _ = route.dependant

    def _call_route(self, route: Route, route_arguments: dict[str, str]) -> ResponseBuilder[Any]:
        """Let the caller in first: who may not ask at all does not learn what a good request would be."""
        try:
            self._admit(route)
        except Refusal as refusal:
            response: Response[str] = answer(problem_of(refusal), refusal.headers)
            return self._response_builder_class(response=response, serializer=self._serializer, route=route)
        return super()._call_route(route, route_arguments)

    def _admit(self, route: Route) -> None:
        if not (scopes := scopes_of(route)):
            return
        caller = caller_of(CURRENT.get().event.raw_event)
        self.context["buckets"].take(caller.subject)
        caller.needs(*scopes)
        check_media(CURRENT.get().event.raw_event)
        self.context["caller"] = caller


def check_media(event: Mapping[str, Any]) -> None:
    """Raise for a form: Powertools reads those, too, and a page from elsewhere may send them without being asked."""
    given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}.get("content-type", "")
    if given.partition(";")[0].strip().lower() in FORMS:
        raise Refusal(UNSUPPORTED)


def scopes_of(route: Route) -> list[str]:
    """The scopes of which a caller needs one; none where anybody may ask."""
    return [scope for requirement in route.security or [] for scopes in requirement.values() for scope in scopes]


def loaded(text: str) -> Any:
    """The JSON of a body, as strictly as what it travels through; raises `JSONDecodeError` and nothing else."""
    try:
        value = json.loads(text, parse_constant=_refused)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half a character, which no other text takes
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(str(error) or "nested too deeply", text[:100], 0) from None
    if is_deep(value):
        raise json.JSONDecodeError(f"more than {MAX_DEPTH} levels", text[:100], 0)
    return value


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
