"""Sub-agents: sent by their parent, and how they begin, tell what they wait for, and report."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, FailureError, WorkflowAlreadyStartedError

from sagents_workflows import gate
from sagents_workflows.keeping import save
from sagents_workflows.life import Life, type_of, words_of

with workflow.unsafe.imports_passed_through():
    from sagents import contract
    from sagents.briefs import BriefRequest, ChildWaits, ConcludeRequest, routed
    from sagents.children import cancelled, cancelled_news, child_of, failed
    from sagents.commands import Resume, Stop
    from sagents.head import CallState
    from sagents.plan import CallResult
    from sagents.results import Cancelled, Changed, Started

# ── the parent ───────────────────────────────────────────────────────────────────────────────────────────────────


async def send(life: Life, call: CallState) -> CallResult:
    """What a sub-agent comes to. Its failure is a result that the model reads: the parent goes on."""
    agent = child_of(life.head, call, workflow.info().run_id)
    try:
        return await gate.child(agent)
    except WorkflowAlreadyStartedError:  # its parent was reset: the old one must not go on beside this run
        await gate.cancel(agent.agent_id)
        return failed(agent, "still_at_work", "one that was sent before has not ended; try again")
    except ChildWorkflowError as error:
        return failed(agent, type_of(error), words_of(error))
    except asyncio.CancelledError:
        return cancelled(agent)


async def forward(life: Life, command: Resume) -> Resume | None:
    """Hand on the decisions that are about a sub-agent's interrupts; what is left is for this agent."""
    mine = life.head.agent.agent_id
    parts = routed(mine, life.waiting, command)
    for agent_id, part in parts.items():
        if agent_id != mine:
            decisions = part.model_dump(mode="json", include={"decisions"})
            await gate.tell(agent_id, contract.RESUME, decisions)
    return parts.get(mine)


# ── the sub-agent ────────────────────────────────────────────────────────────────────────────────────────────────


async def begin(life: Life) -> None:
    """Find out what to do, and start the one run that a sub-agent has."""
    agent = life.head.agent
    if agent.sub is None or life.head.runs or life.mail.has(Stop):
        return
    try:
        brief = await life.ended(gate.brief(BriefRequest(agent=agent)))
    except (FailureError, TimeoutError) as error:
        life.result = failed(agent, type_of(error), words_of(error))
        return
    life.result = brief.refusal
    if brief.refusal is None:
        life.head = life.head.but(agent=brief.applied(agent))
        life.took(Changed(operations=brief.operations))
        life.took(Started(run=brief.run(life.next_run_id, agent.sub.requesters), messages=brief.messages))
        life.run_begins()


async def conclude(life: Life) -> bool:
    """Make a result of what there is; False where it has to be tried again."""
    agent = life.head.agent
    if life.result is None and life.stop is None:
        try:
            life.result = await gate.conclude(ConcludeRequest.of(life.head))
        except FailureError as error:
            life.result = failed(agent, type_of(error), words_of(error))
    elif life.result is None and life.stop is not None:
        if life.head.run is not None:
            life.took(Cancelled())
        if not await save(life, after=(cancelled_news(agent, life.stop.reason),)):
            return False
        life.result = cancelled(agent)
    return True


async def report(life: Life) -> None:
    """Tell the parent what waits for people here and below, once it is on record, and when all goes on again."""
    sub = life.head.agent.sub
    assert sub is not None, "only a sub-agent has a parent"
    while True:
        await workflow.wait_condition(lambda: life.waits != life.reported and not life.entries)
        life.reported = life.waits
        life.reporting = True
        try:
            told = ChildWaits.of(life.head.agent, life.reported.parked, life.waiting)
            await gate.tell(sub.parent_id, contract.CHILD_WAITS, told)
        except FailureError:
            life.problem = "The parent could not be told what waits here; it may have gone."
        finally:
            life.reporting = False
