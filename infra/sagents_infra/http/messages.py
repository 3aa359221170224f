"""What is said in a conversation, and what people see of it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from sagents import errors
from sagents.errors import AgentNotFound
from sagents_infra.http.desk import id_from
from sagents_infra.http.models import LAST, ConversationId, IdempotencyKey, Limit, NewMessage, Rows, Taken
from sagents_infra.http.problems import NO_CONVERSATION, PROBLEMS
from sagents_infra.http.routing import READS, WRITES, Me, TheDesk, answers, new_router, waits

router = new_router()
TAGS = ["messages"]
Number = Annotated[int | None, Query(ge=0, le=LAST, description="A row's number.")]


@router.post(
    "/conversations/<id>/messages",
    summary="Say something",
    description="The answer comes at once, the agent's reply by events and rows. Wakes an agent that sleeps.",
    tags=TAGS,
    security=WRITES,
    status_code=202,
    operation_id="add_message",
    responses=answers(202, Taken, "It was taken", NO_CONVERSATION, PROBLEMS[errors.AgentBusy]),
)
@waits
async def say(id: ConversationId, message: NewMessage, me: Me, desk: TheDesk, key: IdempotencyKey = None) -> Taken:
    agent_id = await desk.agent_id(me, id)
    taken = await desk.server.add_message(agent_id, message.content, id=id_from("msg", me, id, key), sender=me.subject)
    if taken.id is None:
        raise AgentNotFound(agent_id)
    return Taken(message_id=taken.id, agent_id=agent_id, status=taken.status)


@router.get(
    "/conversations/<id>/messages",
    summary="The transcript",
    description="Rows as people see them, oldest first. Without `after` and `before` the newest page.",
    tags=TAGS,
    security=READS,
    operation_id="list_rows",
    responses=answers(200, Rows, "A page of rows", NO_CONVERSATION),
)
@waits
async def rows(
    id: ConversationId,
    me: Me,
    desk: TheDesk,
    after: Number = None,
    before: Number = None,
    text: Annotated[str | None, Query(max_length=200, description="Rows that have this, in whatever case.")] = None,
    limit: Limit = 50,
) -> Rows:
    agent_id = await desk.agent_id(me, id)
    page = await desk.server.rows(agent_id, after=after, before=before, limit=limit, text=text)
    if not page:
        return Rows(rows=[], before=None, after=after)
    first = page[0].number
    earlier = await desk.server.rows(agent_id, before=first, limit=1, text=text)
    return Rows(rows=list(page), before=first if earlier else None, after=page[-1].number)
