"""Looking at decisions before the kernel judges them: whose they are, and whether they fit."""

import asyncio
from dataclasses import dataclass
from functools import partial

from temporalio import activity
from temporalio.exceptions import FailureError

from sagents.attesting import attested
from sagents.commands import Answering
from sagents.contexts import context_of
from sagents.errors import Forbidden, NotHere
from sagents.interrupts import Interrupt
from sagents.principal import Who
from sagents.reviewing import AnyTool, edited_tool, refusal, refused, reviewable
from sagents.reviews import Refusal, Reviewed, ReviewRequest
from sagents_activities.failures import translated
from sagents_activities.kit import Kit


@dataclass(frozen=True)
class ReviewActivities:
    """Effects of looking at decisions: keys, and the code of agents. Nothing is written."""

    kit: Kit

    @activity.defn(name="review")
    async def review(self, request: ReviewRequest) -> Reviewed:
        """Whose decisions these are, and the first reason why they are not taken, where there is one."""
        with translated():
            try:
                who = await self._who(request)
            except Forbidden as error:
                return Reviewed(refusal=_forbidden(request, error))
            for interrupt, answering in reviewable(request):
                found = await self.kit.userland.run(partial(self._refusal, request, interrupt, answering))
                if found is not None:
                    return Reviewed(who=who, refusal=found)
            return Reviewed(who=who)

    async def _who(self, request: ReviewRequest) -> Who:
        if request.attestation is None:
            return Who()
        return await attested(
            self.kit.signer,
            request.attestation,
            request.agent.agent_id,
            request.agent.tenant,
            request.decisions,
            activity.info().scheduled_time,  # the same for each attempt: no word grows too old while it waits here
        )

    async def _refusal(self, request: ReviewRequest, interrupt: Interrupt, answering: Answering) -> Refusal | None:
        name, tool = edited_tool(interrupt, answering), None
        if name is not None:
            try:
                tool = await self._tool(request, name)
            except FailureError:
                raise  # another worker may know it
            except Exception as error:  # a factory and hooks are user code
                return refused(interrupt, f"The new arguments cannot be checked now: {error}")
        return await asyncio.to_thread(refusal, interrupt, answering, tool)  # in its own time, however long it takes

    async def _tool(self, request: ReviewRequest, name: str) -> AnyTool:
        agent = await self.kit.make(request.agent)
        silent = self.kit.announcer(request.agent, request.run_id, "review")
        around = self.kit.surroundings(silent, request.agent, request.run_id)
        tool = await agent.tool_named(name, context_of(agent, request.agent, around, run_id=request.run_id))
        if tool is None:
            missing = NotHere(f"This worker does not know the tool {name!r} (any more).")
            self.kit.perhaps_elsewhere(missing)
            raise missing
        return tool


def _forbidden(request: ReviewRequest, error: Forbidden) -> Refusal:
    names = {answering.interrupt_id for answering in request.decisions}
    which = names.pop() if len(names) == 1 else None
    return Refusal(type=Forbidden.__name__, message=str(error), interrupt_id=which or "")
