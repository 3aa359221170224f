"""What a conversation's agent is told: to go on, to end, and what it is to know."""

import asyncio
from typing import Any

from pydantic import JsonValue

from sagents import contract, errors
from sagents_infra.http.desk import id_from
from sagents_infra.http.models import ConversationId, Deleted, Done, IdempotencyKey, Reason, Stopped, Touched
from sagents_infra.http.models_interrupts import Decisions
from sagents_infra.http.problems import NO_CONVERSATION, PROBLEMS, Refusal
from sagents_infra.http.routing import ADMINISTERS, APPROVES, WRITES, Me, TheDesk, answers, new_router, waits

router = new_router()
TAGS = ["conversations"]

STOPS_WITHIN = 8.0
"""Seconds that a stop is waited for; a run may take longer to end."""


@router.post(
    "/conversations/<id>/resume",
    summary="Decide about what the conversation waits for, or let a paused run go on",
    description="Decisions in the order of what waits, or each with its `interrupt_id`. All of them are taken or none.",
    tags=TAGS,
    security=APPROVES,
    status_code=202,
    operation_id="resume_conversation",
    responses=answers(
        202, Done, "They were taken", NO_CONVERSATION, PROBLEMS[errors.CannotResume], PROBLEMS[errors.Forbidden]
    ),
)
@waits
async def resume(id: ConversationId, given: Decisions, me: Me, desk: TheDesk) -> Done:
    agent_id = await desk.agent_id(me, id)
    decisions = contract.parse_resume([decision.wire for decision in given.decisions]).decisions
    taken = await desk.server.resume(agent_id, decisions, principal=me.principal if decisions else None)
    return Done(status=taken.status, decisions=[one.model_dump(mode="json") for one in taken.decisions])


@router.post(
    "/conversations/<id>/cancel",
    summary="Cancel the run that is under way",
    tags=TAGS,
    security=WRITES,
    status_code=202,
    operation_id="cancel_run",
    responses=answers(202, Done, "It ends", NO_CONVERSATION, PROBLEMS[errors.CannotCancel]),
)
@waits
async def cancel(id: ConversationId, me: Me, desk: TheDesk, why: Reason | None = None) -> Done:
    agent_id = await desk.agent_id(me, id)
    return Done(status=(await desk.server.cancel(agent_id, why.reason if why else None)).status)


@router.post(
    "/conversations/<id>/stop",
    summary="Let the agent save and leave; the next message wakes it",
    tags=TAGS,
    security=WRITES,
    status_code=202,
    operation_id="stop_conversation",
    responses=answers(202, Stopped, "What it came to", NO_CONVERSATION),
)
@waits
async def stop(id: ConversationId, me: Me, desk: TheDesk, why: Reason | None = None) -> Stopped:
    agent_id = await desk.agent_id(me, id)
    try:
        async with asyncio.timeout(STOPS_WITHIN):
            return Stopped(outcome=await desk.server.stop(agent_id, why.reason if why else None))
    except TimeoutError:
        return Stopped(outcome="stopping")


@router.post(
    "/conversations/<id>/touch",
    summary="Start the clock of inactivity again",
    tags=TAGS,
    security=WRITES,
    operation_id="touch_conversation",
    responses=answers(200, Touched, "Whether that changed anything", NO_CONVERSATION),
)
@waits
async def touch(id: ConversationId, me: Me, desk: TheDesk) -> Touched:
    return Touched(touched=await desk.server.touch(await desk.agent_id(me, id)))


@router.post(
    "/conversations/<id>/reset",
    summary="Forget messages, todos and metadata",
    description="What runs is cancelled first. The transcript stays.",
    tags=TAGS,
    security=WRITES,
    status_code=202,
    operation_id="reset_conversation",
    responses=answers(202, Done, "It begins anew", NO_CONVERSATION),
)
@waits
async def reset(id: ConversationId, me: Me, desk: TheDesk, key: IdempotencyKey = None) -> Done:
    agent_id = await desk.agent_id(me, id)
    return Done(status=(await desk.server.reset(agent_id, id=id_from("rst", me, id, key))).status)


@router.delete(
    "/conversations/<id>",
    summary="Forget a conversation",
    description="Its agent ends at once; state, transcript, events and its own files are gone. Nothing wakes it again.",
    tags=TAGS,
    security=ADMINISTERS,
    operation_id="delete_conversation",
    responses=answers(200, Deleted, "It is gone", NO_CONVERSATION),
)
@waits
async def delete(id: ConversationId, me: Me, desk: TheDesk) -> Deleted:
    outcome = await desk.server.delete(await desk.agent_id(me, id))
    if outcome == "not_found":
        raise Refusal(NO_CONVERSATION)  # somebody else was faster
    return Deleted(outcome=outcome)


@router.get(
    "/conversations/<id>/state",
    summary="Export the state",
    description="Plain JSON for the application to keep; PUT takes it back. Reading it counts as activity.",
    tags=["state"],
    security=ADMINISTERS,
    operation_id="export_state",
    responses=answers(200, Done, "The state", NO_CONVERSATION)
    | {200: {"description": "The exported state", "content": {"application/json": {"schema": {"type": "object"}}}}},
)
@waits
async def exported(id: ConversationId, me: Me, desk: TheDesk) -> dict[str, Any]:
    return await desk.server.export_state(await desk.agent_id(me, id))


@router.put(
    "/conversations/<id>/state",
    summary="Put an exported state in the place of this one",
    tags=["state"],
    security=ADMINISTERS,
    status_code=202,
    operation_id="restore_state",
    responses=answers(
        202,
        Done,
        "Soon it is there",
        NO_CONVERSATION,
        PROBLEMS[errors.CannotRestore],
        PROBLEMS[errors.InvalidState],
    ),
)
@waits
async def restored(id: ConversationId, state: dict[str, JsonValue], me: Me, desk: TheDesk) -> Done:
    agent_id = await desk.agent_id(me, id)
    return Done(status=(await desk.server.restore_state(agent_id, state)).status)
