"""An agent behind AG-UI, as a plain ASGI application: for CopilotKit, or any page that speaks the protocol.

SAGENTS_APP=examples.support:app sagents dev
uvicorn --factory examples.ag_ui_page:application
curl -N localhost:8000 -d '{"threadId": "7", "runId": "1", "messages": [{"id": "m1", "role": "user", "content": "Hi"}]}'
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from sagents.client import AgentServer
from sagents.errors import InvalidInput
from sagents_infra.ag_ui import read, sse

Part = MutableMapping[str, Any]
Send = Callable[[Part], Awaitable[None]]
Receive = Callable[[], Awaitable[Part]]
Application = Callable[[Part, Receive, Send], Awaitable[None]]


def application(server: AgentServer | None = None) -> Application:
    """Answers a POST of `RunAgentInput` with the events of the run. Who may talk to which thread is yours to check."""
    servers = [server] if server else []

    async def answer(scope: Part, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not servers:
            servers.append(await AgentServer.connect())
        text = await body(receive)
        try:
            read(text)
        except InvalidInput as error:
            await send({"type": "http.response.start", "status": 400})
            await send({"type": "http.response.body", "body": str(error).encode()})
            return
        last = dict(scope["headers"]).get(b"last-event-id", b"").decode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        async for chunk in sse(servers[0], text, agent="helper", last_event_id=last):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})

    return answer


async def body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts: list[bytes] = []
    while True:
        part = await receive()
        parts.append(part.get("body", b""))
        if not part.get("more_body"):
            return b"".join(parts)
