"""The model step: the one place where an agent thinks."""

from dataclasses import dataclass

from temporalio import activity

from sagents import telemetry
from sagents.announcing import Announcer as Telling
from sagents.errors import AgentNotRegistered, Damaged, InvalidAgent
from sagents.loop import apply, ends
from sagents.messages import Message
from sagents.plan import Ending, OutcomeKind, Plan, RunError, SaveReason, StepRequest
from sagents.reshaping import reply_in, reshaped, rows_of
from sagents.state import State
from sagents.step import take_step
from sagents_activities.announcer import Announcer
from sagents_activities.failures import translated
from sagents_activities.kit import Kit
from sagents_activities.measures import run_ended
from sagents_activities.reader import Lead
from sagents_activities.transcript import recently


@dataclass(frozen=True)
class ModelActivities:
    """Effects of asking a model."""

    kit: Kit

    @activity.defn(name="model_step")
    async def step(self, request: StepRequest) -> Plan:
        """Decide what comes next, once: a later attempt returns the recorded plan instead of asking again.

        claim → recorded? → read → think → record (first write wins) → save, where the run ends with this step
        """
        with translated():
            plan = await self._taken(request)
            return plan.but(record="", inherited={})  # the kernel knows it or need not: history is brief

    async def _taken(self, request: StepRequest) -> Plan:
        agent_id = request.agent.agent_id
        await self.kit.fence.claim(agent_id)
        async with self.kit.announcer(request.agent, request.run.id, request.record).publishing() as announcer:
            announcer.all(request.news)
            if request.step == 0:
                announcer.status("running")
            plan = await self._again(request, announcer) or await self._decide(request, announcer)
            self.kit.reader.extend(agent_id, request.reference, plan.operations)
            ending = ends(request.run, request.step, plan)
            if ending is None or not _is_recorded(plan):
                return plan
            return await self._end(request, plan, announcer)

    async def _again(self, request: StepRequest, announcer: Announcer) -> Plan | None:
        """The plan of an earlier attempt; where its worker was lost before its rows were written, they are now.

        The events of its reply are told again: what the log has of them stays as it is.
        """
        body = await self.kit.store.get(request.agent.agent_id, request.record)
        plan = Plan.model_validate_json(body) if body else None
        reply = reply_in(plan, request.reply_id) if plan else None
        if reply is not None:
            Telling(announcer.emit).said(reply, {})
        if plan is not None:
            await self._show(request, plan, announcer)
            await announcer.amend(reply, is_mine=False)
        return plan

    async def _show(self, request: StepRequest, plan: Plan, announcer: Announcer) -> None:
        """Write the rows of a plan on record, where the attempt that made it has not; nobody knows what else it did not

        get to, so the application's own copy is told in any case.
        """
        reply = reply_in(plan, request.reply_id)
        is_missing = await announcer.lacks(rows_of(plan, request.reply_id, reply, announcer.showing))
        if not is_missing and (self.kit.app.display is None or request.agent.sub is not None):
            return

        async def reshape() -> Message | None:
            return await reshaped(await self.kit.make(request.agent), reply)

        shown = await self.kit.userland.run(reshape)
        rows = rows_of(plan, request.reply_id, shown, announcer.showing)
        if is_missing:
            await announcer.release(shown, rows)
        else:
            announcer.mirror.message(shown, rows)

    async def _decide(self, request: StepRequest, announcer: Announcer) -> Plan:
        if request.step == 0:
            self.kit.measured(request.agent, request.run.id)(telemetry.EXECUTION_START)
        lead = Lead(request.since, request.operations)
        state = await self.kit.reader.read(request.agent.agent_id, request.reference, lead)
        around = self.kit.surroundings(announcer, request.agent, request.run.id)
        await _tell_news(request, state, announcer)
        announcer.holding()

        async def think() -> tuple[Plan, Message | None]:
            agent = await self.kit.make(request.agent)
            plan = await take_step(agent, state, request, around)
            return plan, await reshaped(agent, None if request.agent.sub else reply_in(plan, request.reply_id))

        try:
            plan, shown = await self.kit.userland.run(think)
        except (AgentNotRegistered, InvalidAgent) as error:
            await announcer.release(None, ())
            return _failed(request, error)
        recorded, is_mine = await self._record(request, plan)
        rows = rows_of(plan, request.reply_id, shown, announcer.showing)
        if not is_mine:
            await self._show(request, recorded, announcer)  # who was faster may be lost by now
        await announcer.release(shown, rows if is_mine else ())
        await announcer.amend(reply_in(recorded, request.reply_id), is_mine=is_mine)
        return recorded

    async def _record(self, request: StepRequest, plan: Plan) -> tuple[Plan, bool]:
        """Keep a plan that goes on or finishes; what failed or was cancelled may be asked again after a reset.

        The one that counts, and whether it is this one: another attempt may have been faster.
        """
        if not _is_recorded(plan):
            return plan, True
        mine, writer = plan.model_dump_json(), activity.info().workflow_run_id or ""
        body = await self.kit.store.put_once(request.agent.agent_id, request.record, mine, writer)
        return Plan.model_validate_json(body), body == mine

    async def _end(self, request: StepRequest, plan: Plan, announcer: Announcer) -> Plan:
        """Save what the agent will be once the kernel has applied this plan, so that no activity more is needed."""
        carried = await self.kit.saver.read(request.agent.agent_id)
        after = carried.but(head=apply(carried.head, plan).but(seq=request.seq))
        try:
            reason = SaveReason.after(after.head.ending) if after.head.ending else SaveReason.COMPLETION
            saved = await self.kit.saver.save(after, request.seq, reason)
        except Damaged:
            return plan  # what was said is not lost by it: the kernel saves next, and tells people what is wrong
        await announcer.settle(carried.head.log.tail)
        told = announcer.rest(after)
        run_ended(self.kit.measured(request.agent), after.head)
        return plan.but(saved=saved.but(told=told))


async def _tell_news(request: StepRequest, state: State, announcer: Announcer) -> None:
    """What was said and done since the step before, for the transcript."""
    if request.since is not None:
        await announcer.hear(request.operations, f"operation {request.since}")
    else:
        places, operations = recently(state)
        await announcer.hear(operations, places)


def _is_recorded(plan: Plan) -> bool:
    return plan.ending is None or plan.ending.kind not in (OutcomeKind.FAILED, OutcomeKind.CANCELLED)


def _failed(request: StepRequest, error: Exception) -> Plan:
    problem = RunError(type=type(error).__name__, message=str(error))
    return Plan(record=request.record, ending=Ending(kind=OutcomeKind.FAILED, error=problem))
