"""The address where a token becomes a ticket."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from pydantic import AwareDatetime, BaseModel, Field

from sagents_infra.http.models import shown
from sagents_infra.http.problems import AWAY, Refusal
from sagents_infra.http.routing import READS, Me, TheDesk, answers, new_router, waits
from sagents_infra.sockets.admission import issue

router = new_router()


class SocketTicket(BaseModel):
    """A ticket for one WebSocket connection."""

    model_config = shown({"ticket": "eyJpZCI6Ij...", "expires_at": "2026-01-01T12:01:00Z"})

    ticket: str = Field(description="Goes into the WebSocket's address: wss://...?ticket=... Holds for one connection.")
    expires_at: AwareDatetime = Field(description="Connect before; the connection itself lasts as long as the token.")


@router.post(
    "/ws-tickets",
    summary="A ticket for a WebSocket",
    description="For one connection, within a minute, by whoever the token says. docs/websocket.md has the protocol.",
    tags=["events"],
    security=READS,
    status_code=201,
    operation_id="create_ws_ticket",
    responses=answers(201, SocketTicket, "The ticket"),
)
@waits
async def ticket(me: Me, desk: TheDesk) -> Response[SocketTicket]:
    if (signer := desk.outside.signer) is None:
        raise Refusal(AWAY, "Tickets are signed, and this door has no keys: set SAGENTS_SIGNING_KEYS.")
    text, until = await issue(signer, me, datetime.now(UTC))
    made = SocketTicket(ticket=text, expires_at=until)
    return Response(201, "application/json", made, headers={"Cache-Control": "no-store"})
