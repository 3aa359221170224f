"""Requests as API Gateway hands them to a Lambda function (HTTP API, payload 2.0), and agents to ask."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sagents import Agent, Sagents, tool
from sagents.approvers import groups
from sagents.policy import ask
from sagents.testing import ScriptedModel, calls, says
from sagents_infra.http.handler import Door
from sagents_infra.http.identity import SCOPES


@dataclass(frozen=True)
class Person:
    """Somebody with a token that a gateway has verified."""

    sub: str
    groups: tuple[str, ...] = ()
    tenant: str | None = None
    scopes: tuple[str, ...] = ("sagents:read", "sagents:write", "sagents:approve")

    @property
    def claims(self) -> dict[str, str]:
        """As API Gateway writes them: everything is text."""
        until = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
        claims = {"sub": self.sub, "exp": str(until), "scope": " ".join(self.scopes)}
        claims |= {"cognito:groups": f"[{' '.join(self.groups)}]"} if self.groups else {}
        return claims | ({"tenant": self.tenant} if self.tenant else {})


ANN = Person("ann", tenant="acme")
BEN = Person("ben", ("finance",), tenant="acme")
CAT = Person("cat", tenant="other")
BOSS = Person("boss", tenant="acme", scopes=SCOPES)


@dataclass(frozen=True)
class Answer:
    """A response as clients see it."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """What kind of problem it is; empty where it is none."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return ""
        assert self.json["status"] == self.status
        return str(self.json["type"]).removeprefix("urn:sagents:problem:")


@dataclass
class Front:
    """The door as clients see it. `suffix` makes tenants of a test's own: tests share a Temporal."""

    door: Door
    suffix: str = ""

    def ask_now(self, method: str, path: str, body: Any = None, *, who: Person | None = ANN, **given: Any) -> Answer:
        """One request; blocks."""
        if who is not None and who.tenant is not None:
            who = replace(who, tenant=f"{who.tenant}{self.suffix}")
        raw = self.door(event(method, path, body, who=who, **given))
        return Answer(raw["statusCode"], raw["headers"], raw["body"])

    async def ask(self, method: str, path: str, body: Any = None, **given: Any) -> Answer:
        """The same while this event loop goes on, as the worker needs it."""
        return await asyncio.to_thread(self.ask_now, method, path, body, **given)

    async def get(self, path: str, **given: Any) -> Answer:
        return await self.ask("GET", path, **given)

    async def post(self, path: str, body: Any = None, **given: Any) -> Answer:
        return await self.ask("POST", path, body, **given)


def event(
    method: str,
    path: str,
    body: Any = None,
    *,
    who: Person | None = ANN,
    claims: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What API Gateway sends."""
    claims = claims if claims is not None or who is None else who.claims
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {"content-type": "application/json", **{k.lower(): v for k, v in (headers or {}).items()}},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            "stage": "$default",
            "requestId": "request-1",
        },
        "isBase64Encoded": False,
    }
    made |= {"queryStringParameters": {k: str(v) for k, v in query.items()}} if query else {}
    made |= {"body": text} if text is not None else {}
    if claims is not None:
        made["requestContext"]["authorizer"] = {"jwt": {"claims": dict(claims), "scopes": None}}
    return made


@tool(approval=ask(approvers=groups("finance"), self_approval=False))
async def refund(order: str) -> str:
    """Refund an order."""
    return f"refunded {order}"


def desk_app() -> Sagents:
    """An application with one agent that echoes, and one whose tool needs approval."""
    app = Sagents()
    app.agent("echo", Agent(model=ScriptedModel(*[says(f"answer {number}") for number in range(60)])))
    app.agent("desk", Agent(model=ScriptedModel(calls(refund, order="7"), says("Done.")), tools=[refund]))
    return app
