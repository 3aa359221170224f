"""The inbox: what waits for the caller, over all conversations of their tenant, and their decisions.

Theirs is what waits in conversations of their own, and what names them as an approver; an admin sees all.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from sagents import contract, errors
from sagents.inbox import InboxItem
from sagents.interrupts import InterruptStatus
from sagents_infra.http.desk import Desk
from sagents_infra.http.identity import Caller
from sagents_infra.http.models import ID, Limit
from sagents_infra.http.models_interrupts import (
    Decided,
    InterruptRef,
    NewDecision,
    PendingInterrupt,
    Waiting,
    parts_of,
    pending,
)
from sagents_infra.http.problems import NO_INTERRUPT, PROBLEMS, STALE, Refusal
from sagents_infra.http.routing import APPROVES, READS, Me, TheDesk, answers, new_router, waits

router = new_router()
TAGS = ["interrupts"]
OLDEST = 10 * 365 * 86_400
"""Seconds; nothing waits longer (`lifecycle.LONGEST`)."""
Text = Annotated[str | None, Query(max_length=200)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of what was seen: the decision is about that call.")
]


@router.get(
    "/interrupts",
    summary="What waits for the caller",
    description="Oldest first. `mine` leaves out what only others may decide.",
    tags=TAGS,
    security=READS,
    operation_id="list_interrupts",
    responses=answers(200, Waiting, "What waits"),
)
@waits
async def inbox(
    me: Me,
    desk: TheDesk,
    conversation_id: Annotated[str | None, Query(pattern=ID)] = None,
    status: Annotated[InterruptStatus | None, Query(description="`pending` or `expired`.")] = None,
    tool: Text = None,
    reason: Text = None,
    agent: Text = None,
    risk: Text = None,
    claimed: bool | None = None,
    older_than_s: Annotated[int | None, Query(ge=0, le=OLDEST)] = None,
    mine: bool = False,
    limit: Limit = 50,
) -> Waiting:
    items = await desk.server.inbox(
        status=status,
        tool=tool,
        reason=reason,
        agent=agent,
        risk=risk,
        tenant=me.tenant,
        approver=me.principal if mine else None,
        claimed=claimed,
        older_than=None if older_than_s is None else timedelta(seconds=older_than_s),
    )
    wanted = (item for item in items if conversation_id in (None, item.conversation_id) and sees(me, item))
    return Waiting(interrupts=[_shown(item) for item in wanted][:limit])


@router.get(
    "/interrupts/<id>",
    summary="One of them",
    tags=TAGS,
    security=READS,
    operation_id="get_interrupt",
    responses=answers(200, PendingInterrupt, "It; its digest is the ETag", NO_INTERRUPT),
)
@waits
async def one(id: InterruptRef, me: Me, desk: TheDesk) -> Response[PendingInterrupt]:
    item = await _item(desk, *parts_of(id))
    if item is None or not sees(me, item):
        raise Refusal(NO_INTERRUPT)
    digest = item.interrupt.digest
    return Response(200, "application/json", _shown(item), headers={"ETag": f'"{digest}"'} if digest else {})


@router.post(
    "/interrupts/<id>/decisions",
    summary="Decide about it",
    description="The same decision again gets the same answer. With `If-Match` or `digest` it is about that very call.",
    tags=TAGS,
    security=APPROVES,
    operation_id="decide",
    responses=answers(
        200,
        Decided,
        "Where it stands",
        NO_INTERRUPT,
        PROBLEMS[errors.Forbidden],
        PROBLEMS[errors.DecisionConflict],
        PROBLEMS[errors.InterruptGone],
        STALE,
        PROBLEMS[errors.InvalidDecision],
    ),
)
@waits
async def decide(id: InterruptRef, given: NewDecision, me: Me, desk: TheDesk, if_match: IfMatch = None) -> Decided:
    agent_id, interrupt_id = parts_of(id)
    await _let_decide(me, desk, agent_id, interrupt_id)
    digest = _seen(if_match, given.digest)
    command = contract.parse_decide({**given.wire, "interrupt_id": interrupt_id, "digest": digest})
    answering = command.decisions[0]
    decided = await desk.server.decide(
        agent_id,
        interrupt_id,
        answering.decision,
        digest=digest,
        principal=me.principal,
        remember=answering.remember,
    )
    return Decided.of(decided)


def sees(me: Caller, item: InboxItem) -> bool:
    """Whether it is in the caller's inbox. One that does not say whose it is may be another tenant's: in nobody's."""
    if not _says_whose(item):
        return False
    if me.may_reach({"owner": item.owner, "tenant": item.tenant}):
        return True
    return item.tenant == me.tenant and item.interrupt.approvers is not None and item.is_for(me.principal)


def _says_whose(item: InboxItem) -> bool:
    """What a newer version wrote, or one before there was an inbox, has only the agent's id."""
    return any((item.agent, item.conversation_id, item.owner, item.tenant, item.run_id))


async def _let_decide(me: Caller, desk: Desk, agent_id: str, interrupt_id: str) -> None:
    """Raise where the caller does not see it. One that waits no longer is in no inbox: the agent answers for it,

    to everybody of its tenant; who may have decided it, it knows.
    """
    item = await _item(desk, agent_id, interrupt_id)
    if item is not None and _says_whose(item):
        visible = sees(me, item)
    else:
        scope = await desk.scope(agent_id.partition("/")[0])
        visible = scope is not None and (scope.get("tenant") or None) == me.tenant
    if not visible:
        raise Refusal(NO_INTERRUPT)


async def _item(desk: Desk, agent_id: str, interrupt_id: str) -> InboxItem | None:
    items = await desk.server.inbox(agent_id=contract.check_address(agent_id), status=None)
    return next((item for item in items if item.interrupt.id == interrupt_id), None)


def _shown(item: InboxItem) -> PendingInterrupt:
    return pending(item, str(item.status(datetime.now(UTC))))


def _seen(if_match: str | None, digest: str | None) -> str | None:
    """The digest of the call that was seen. Raises where header and body name two."""
    tag = (if_match or "").strip().removeprefix("W/").strip('"')
    if not tag or tag == "*":
        return digest
    if digest not in (None, tag):
        raise Refusal(STALE, "If-Match and the body's digest name two calls.")
    return tag
