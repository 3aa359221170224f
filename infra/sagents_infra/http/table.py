"""Every route of the API, as data: what it asks of a caller, and the module that answers.

A module is loaded when the first request for one of its routes comes (`sagents_infra.http.resolver`), so a function
that takes one message does not load what lists interrupts. A new route is a line here and a decorator in its module; a
test holds the two together.
"""

import re
from functools import cache
from typing import NamedTuple

from sagents_infra.http.identity import ADMIN, APPROVE, READ, WRITE


class Address(NamedTuple):
    """A route, and the scope that a caller needs; None where anybody may ask. `module` has its `router`."""

    method: str
    path: str
    scope: str | None
    module: str


HERE = "sagents_infra.http"
CONVERSATION = "/conversations/{id}"

ADDRESSES = (
    Address("GET", "/agents", READ, f"{HERE}.registry"),
    Address("GET", "/approvals/{token}", None, f"{HERE}.approvals"),
    Address("POST", "/approvals/{token}", None, f"{HERE}.approvals"),
    Address("GET", "/conversations", READ, f"{HERE}.conversations"),
    Address("POST", "/conversations", WRITE, f"{HERE}.conversations"),
    Address("DELETE", CONVERSATION, ADMIN, f"{HERE}.lifetime"),
    Address("GET", CONVERSATION, READ, f"{HERE}.conversations"),
    Address("POST", f"{CONVERSATION}/cancel", WRITE, f"{HERE}.lifetime"),
    Address("GET", f"{CONVERSATION}/events", READ, f"{HERE}.happenings"),
    Address("GET", f"{CONVERSATION}/messages", READ, f"{HERE}.messages"),
    Address("POST", f"{CONVERSATION}/messages", WRITE, f"{HERE}.messages"),
    Address("POST", f"{CONVERSATION}/reset", WRITE, f"{HERE}.lifetime"),
    Address("POST", f"{CONVERSATION}/resume", APPROVE, f"{HERE}.lifetime"),
    Address("GET", f"{CONVERSATION}/state", ADMIN, f"{HERE}.lifetime"),
    Address("PUT", f"{CONVERSATION}/state", ADMIN, f"{HERE}.lifetime"),
    Address("POST", f"{CONVERSATION}/stop", WRITE, f"{HERE}.lifetime"),
    Address("POST", f"{CONVERSATION}/touch", WRITE, f"{HERE}.lifetime"),
    Address("GET", "/health", None, f"{HERE}.health"),
    Address("GET", "/interrupts", READ, f"{HERE}.interrupts"),
    Address("GET", "/interrupts/{id}", READ, f"{HERE}.interrupts"),
    Address("POST", "/interrupts/{id}/decisions", APPROVE, f"{HERE}.interrupts"),
    Address("GET", "/openapi.json", None, f"{HERE}.description"),
    Address("POST", "/ws-tickets", READ, "sagents_infra.sockets.route"),
)  # fmt: skip
"""By path and method."""


def module_of(method: str, path: str) -> str | None:
    """The module that answers such a request; None where nothing does."""
    asked = method.upper()
    return next((one.module for one in ADDRESSES if one.method == asked and _rule(one.path).fullmatch(path)), None)


@cache
def _rule(path: str) -> re.Pattern[str]:
    """At least what the route itself matches; whether it does is Powertools' to say."""
    return re.compile(re.sub(r"{\w+}", "[^/]+", path.replace(".", r"\.")), re.DOTALL)
