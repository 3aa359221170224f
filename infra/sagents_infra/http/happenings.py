"""What happened in a conversation, page by page; a page that is not there yet is waited for."""

import asyncio
from contextlib import aclosing, suppress
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from sagents_infra.http.desk import Desk
from sagents_infra.http.models import LAST, ConversationId, Events, Limit
from sagents_infra.http.problems import NO_CONVERSATION
from sagents_infra.http.routing import READS, Me, TheDesk, answers, new_router, waits

router = new_router()

LONGEST_WAIT = 20
"""Seconds. Gateways end a request after 29."""

After = Annotated[int, Query(ge=0, le=LAST, description="The id of the last event that was seen.")]
Wait = Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for one where there is none.")]


@router.get(
    "/conversations/<id>/events",
    summary="What happened",
    description=(
        "Events after one that was seen, oldest first; token deltas are not among them. The local server also streams "
        "(`Accept: text/event-stream`, `Last-Event-ID`); in the cloud that is what the WebSocket is for."
    ),
    tags=["events"],
    security=READS,
    operation_id="list_events",
    responses=answers(200, Events, "A page of them, perhaps empty", NO_CONVERSATION),
)
@waits
async def events(
    id: ConversationId, me: Me, desk: TheDesk, after: After = 0, wait: Wait = 0, limit: Limit = 100
) -> Events:
    agent_id = await desk.agent_id(me, id)
    page = await desk.store.events(agent_id, after=after, limit=limit)
    if not page and wait:
        await heard(desk, agent_id, after, wait)
        page = await desk.store.events(agent_id, after=after, limit=limit)
    return Events(agent_id=agent_id, events=list(page), after=page[-1].id or after if page else after)


async def heard(desk: Desk, agent_id: str, after: int, seconds: float) -> None:
    """Wait until something is in the log after this event, so long at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), aclosing(desk.server.watch(agent_id, after=after)) as watched:
            async for event in watched:
                if event.id is not None:
                    return
