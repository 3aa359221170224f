"""Pages that speak AG-UI, on the local server: `POST /ag-ui/{agent}`, answered by the events of the run.

    RunAgentInput ─▶ its conversation is started, or is the caller's: by the handler, as POST /conversations
                  ─▶ events, until the agent rests, the page goes or the token ends

In the cloud the Python runtime cannot stream a response, so there is no such route.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from sagents.client import AgentServer
from sagents_infra.http.gateway import Event
from sagents_infra.http.identity import APPROVE, WRITE, Caller, caller_of
from sagents_infra.http.problems import MALFORMED, NO_ROUTE, Refusal
from sagents_infra.http.resolver import check_media, loaded
from sagents_infra.http.tokens import left

START = "/conversations"


@dataclass(frozen=True)
class Asked:
    """A page's request, and who sends it."""

    caller: Caller
    claims: Mapping[str, Any]
    body: str
    opening: Event
    """What the handler is asked first: for the conversation of this thread."""

    last_event_id: str | None

    @classmethod
    def of(cls, agent: str, event: Mapping[str, Any]) -> "Asked":
        """Raises `Refusal` or `InvalidInput` for what is no run of AG-UI, or none of a known caller."""
        caller = caller_of(event)
        caller.needs(WRITE)
        check_media(event)
        text, thread, decides = _read(event)
        if decides:
            caller.needs(APPROVE)
        body = json.dumps({"agent": agent, "conversation_id": thread})
        http = {"method": "POST", "path": START}
        opening = {
            **event,
            "rawPath": START,
            "requestContext": {**event["requestContext"], "http": {**event["requestContext"]["http"], **http}},
            "body": body,
        }
        claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
        return cls(caller, claims, text, opening, event["headers"].get("last-event-id"))

    @property
    def ends_in(self) -> float | None:
        return left(self.claims)

    def told(self, server: AgentServer, agent_id: str) -> AsyncGenerator[bytes, None]:
        """The response, piece by piece."""
        from sagents_infra.ag_ui import sse

        return sse(
            server,
            self.body,
            agent_id=agent_id,
            principal=self.caller.principal,
            last_event_id=self.last_event_id,
        )


def _read(event: Mapping[str, Any]) -> tuple[str, str, bool]:
    """The body, its thread, and whether it decides anything."""
    try:
        from sagents_infra.ag_ui import read
    except ImportError:
        raise Refusal(NO_ROUTE, "AG-UI is not installed here: `pip install 'sagents[ag-ui]'` brings it.") from None
    text = event["body"] or ""
    try:
        loaded(text)
    except json.JSONDecodeError as error:
        raise Refusal(MALFORMED, f"It is no JSON that is taken: {error.msg}.") from None
    request = read(text)
    return text, request.thread_id, bool(request.resume)
