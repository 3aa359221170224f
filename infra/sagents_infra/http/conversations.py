"""Conversations: those of the caller, a new one, and what one is doing."""

from typing import Annotated
from uuid import uuid4

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from sagents.cards import AgentCard
from sagents.client import agent_id_for
from sagents.errors import AgentNotRegistered
from sagents.lifecycle import Lifecycle
from sagents.status import Status
from sagents_infra.http.desk import Desk, id_from
from sagents_infra.http.identity import ADMIN, Caller
from sagents_infra.http.models import (
    ConversationId,
    IdempotencyKey,
    Limit,
    NewConversation,
    Started,
)
from sagents_infra.http.models_conversations import Conversation, Conversations
from sagents_infra.http.problems import NO_CONVERSATION, PROBLEMS, Refusal
from sagents_infra.http.registry import check_name
from sagents_infra.http.routing import READS, WRITES, Me, Options, TheDesk, answers, new_router, waits

router = new_router()
TAGS = ["conversations"]
After = Annotated[str, Query(pattern=r"^[A-Za-z0-9._:@-]{0,200}$", description="The `next` of the page before.")]


@router.get(
    "/conversations",
    summary="The caller's conversations",
    description="Those that run and those that sleep, by the id of the agent, as they were saved last.",
    tags=TAGS,
    security=READS,
    operation_id="list_conversations",
    responses=answers(200, Conversations, "A page of them"),
)
@waits
async def listed(me: Me, desk: TheDesk, after: After = "", limit: Limit = 50) -> Conversations:
    prefix = agent_id_for("", me.scope)
    cards, more = await desk.cards(me, f"{prefix}{after}" if after else "", limit)
    found = [_of_card(card, card.agent_id.removeprefix(prefix)) for card in cards]
    return Conversations(conversations=found, next=more and more.removeprefix(prefix))


@router.post(
    "/conversations",
    summary="Start a conversation",
    description="The conversation's agent, started if it does not run. With the same key, or the same id, once.",
    tags=TAGS,
    security=WRITES,
    status_code=201,
    operation_id="start_conversation",
    responses=answers(201, Started, "It runs", NO_CONVERSATION, PROBLEMS[AgentNotRegistered]),
)
@waits
async def start(
    new: NewConversation, me: Me, desk: TheDesk, options: Options, key: IdempotencyKey = None
) -> Response[Started]:
    lifecycle = None if new.lifecycle is None else Lifecycle.from_wire(new.lifecycle)
    _let_shape(me, new, lifecycle)
    check_name(new.agent, options)
    conversation_id = new.conversation_id or id_from("c", me, "", key) or f"c_{uuid4().hex}"
    agent_id = await _let_start(me, desk, conversation_id)
    session = await desk.server.start(
        new.agent,
        agent_id=agent_id,
        conversation_id=conversation_id,
        lifecycle=lifecycle,
        scope=me.scope,
        options=new.options,
        exported=new.state,
    )
    if not session.started and not await desk.is_mine(me, agent_id):
        raise Refusal(NO_CONVERSATION)  # somebody else was faster
    begun = Started(id=conversation_id, agent_id=agent_id, started=session.started)
    if new.message is not None:
        message_id = id_from("msg", me, f"{conversation_id} begins", key)
        taken = await desk.server.add_message(agent_id, new.message, id=message_id, sender=me.subject)
        begun = begun.model_copy(update={"message_id": taken.id, "status": taken.status})
    return Response(201 if session.started else 200, "application/json", begun)


@router.get(
    "/conversations/<id>",
    summary="What a conversation is doing",
    tags=TAGS,
    security=READS,
    operation_id="get_conversation",
    responses=answers(200, Conversation, "The conversation", NO_CONVERSATION),
)
@waits
async def one(id: ConversationId, me: Me, desk: TheDesk) -> Conversation:
    agent_id = await desk.agent_id(me, id)
    info = await desk.server.agent_info(agent_id)
    shown = await _saved(desk, id, agent_id)
    if info is None:
        return shown
    return shown.model_copy(update={"agent": info.agent, "status": info.status, "info": info})


def _let_shape(me: Caller, new: NewConversation, lifecycle: Lifecycle | None) -> None:
    """Raise where they ask for what is an admin's to say.

    That is what models and tools are said to have said, which saver is called, and whose viewers it shows.
    """
    topic = lifecycle is not None and lifecycle.presence.topic is not None
    saver = lifecycle is not None and lifecycle.auto_save is not None
    if new.state is not None or topic or saver:
        me.needs(ADMIN)


async def _let_start(me: Caller, desk: Desk, conversation_id: str) -> str:
    """The id of the agent; raises where one of somebody else's has it."""
    agent_id = agent_id_for(conversation_id, me.scope)
    scope = await desk.scope(agent_id)
    if scope is not None and not me.may_reach(scope):
        raise Refusal(NO_CONVERSATION)
    return agent_id


async def _saved(desk: Desk, conversation_id: str, agent_id: str) -> Conversation:
    """As the store has it; of one that has just started it has nothing."""
    for card in await desk.store.agents(agent_id, limit=1):
        if card.agent_id == agent_id:
            return _of_card(card, conversation_id).model_copy(update={"status": Status.NOT_RUNNING})
    return Conversation(id=conversation_id, agent_id=agent_id, status=Status.NOT_RUNNING)


def _of_card(card: AgentCard, conversation_id: str) -> Conversation:
    return Conversation(
        id=conversation_id,
        agent_id=card.agent_id,
        agent=card.name,
        status=card.status,
        title=card.title,
        owner=card.owner,
        tenant=card.tenant,
        saved_at=card.at,
    )
