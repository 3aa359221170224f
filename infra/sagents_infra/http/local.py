"""The API on one machine, by ASGI: each request becomes the event that API Gateway would send to the same handler.

    request ──▶ token verified ──▶ event ──▶ handler, in a thread ──▶ response
    events that are waited for, and streams of them, are waited for beside it: no thread is kept for them

Programs of this machine reach it. Pages that a browser shows from elsewhere do not: `Host` or `Origin` give them away.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from sagents.errors import SagentsError
from sagents_infra.http import ag_ui, problems
from sagents_infra.http.bodies import plain
from sagents_infra.http.desk import Desk
from sagents_infra.http.gateway import Event, Headers, Receive, Scope, Send, body_of, event_of, headers_of, respond
from sagents_infra.http.handler import Door
from sagents_infra.http.happenings import LONGEST_WAIT, heard
from sagents_infra.http.origins import Origins
from sagents_infra.http.problems import Refusal
from sagents_infra.http.streaming import stream, told
from sagents_infra.http.tokens import Verifier, bearer, left

THREADS = 64
"""So many requests are worked on at once; others wait."""

EVENTS = re.compile(r"/conversations/[^/]+/events")
RUNS = re.compile(r"/ag-ui/([^/]+)")
LINKS = "/approvals/"
"""Their pages send no origin with their form; the address itself is what nobody else has."""

NUMBER = TypeAdapter(int)
"""As the handler reads numbers."""

Sockets = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class LocalServer:
    """An ASGI application. Without a `verifier` everybody is who `anybody` says.

    `sockets` takes WebSockets; while nobody does, they are turned away.
    """

    door: Door
    verifier: Verifier | None
    anybody: Mapping[str, Any] = field(default_factory=dict)
    sockets: Sockets | None = None
    origins: Origins = field(default_factory=Origins)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif self.sockets is not None:
            await self.sockets(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        if (asked := self.origins.preflight(scope["method"], headers)) is not None:
            await respond(send, {"statusCode": 204, "headers": asked})
            return
        send = self.origins.showing(headers, send)
        try:
            self.origins.check(headers, anybody=self.verifier is None and not scope["path"].startswith(LINKS))
            claims = self.claims(headers)
            event = event_of(scope, headers, await body_of(receive, self.door.most), claims)
        except Refusal as refusal:
            await respond(send, problems.gateway_answer(refusal))
            return
        except ConnectionResetError:
            return
        if scope["method"] == "GET" and EVENTS.fullmatch(scope["path"]):
            await self._events(event, claims or {}, receive, send)
        elif scope["method"] == "POST" and (found := RUNS.fullmatch(scope["path"])):
            await self._run(found[1], event, receive, send)
        else:
            await respond(send, await self._handled(event))

    def claims(self, headers: Headers) -> Mapping[str, Any] | None:
        """What is verified of who asks; None where nobody says who they are, which some addresses allow."""
        if self.verifier is None:
            return self.anybody
        return self.verifier.claims(bearer(headers["authorization"])) if "authorization" in headers else None

    async def _events(self, event: Event, claims: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """The handler says what there is, and to whom; only the waiting is ours."""
        asked, streams = event["queryStringParameters"], "text/event-stream" in event["headers"].get("accept", "")
        wait = _seconds(asked)
        if streams and (last := event["headers"].get("last-event-id")):
            asked["after"] = last
        answer = await self._handled(event)
        page = json.loads(answer["body"]) if answer["statusCode"] == 200 else None
        if page is None:
            await respond(send, answer)
        elif streams:
            after = NUMBER.validate_python(asked.get("after", 0))
            chunks = told(await self._desk(), page["agent_id"], after)
            await stream(chunks, left(claims), receive, send)
        else:
            if wait and not page["events"]:
                await heard(await self._desk(), page["agent_id"], page["after"], wait)
                answer = await self._handled(event)
            await respond(send, answer)

    async def _run(self, agent: str, event: Event, receive: Receive, send: Send) -> None:
        """The handler lets the caller in and starts the conversation, as for anybody who asks for that."""
        try:
            asked = ag_ui.Asked.of(agent, plain(event, self.door.most))
        except (Refusal, SagentsError) as error:
            await respond(send, problems.gateway_answer(error))
            return
        answer = await self._handled(asked.opening)
        if answer["statusCode"] not in (200, 201):
            await respond(send, answer)
            return
        chunks = asked.told((await self._desk()).server, json.loads(answer["body"])["agent_id"])
        await stream(chunks, asked.ends_in, receive, send)

    async def _handled(self, event: Event) -> Event:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.door, event)

    async def _desk(self) -> Desk:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self.door.office.desk)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _seconds(asked: dict[str, Any]) -> int:
    """How long to wait, taken out of the query; what does not fit stays there, for the handler to refuse."""
    given = asked.get("wait", "")
    if not (given.isascii() and given.isdecimal() and len(given) < 4 and int(given) <= LONGEST_WAIT):
        return 0
    return int(asked.pop("wait"))
