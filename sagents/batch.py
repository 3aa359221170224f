"""The calls of one reply: which run, which wait for a person, and what came of those that run at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sagents.announcing import announcer_of
from sagents.calling import run_call
from sagents.gating import bare, planned
from sagents.hooks import HookContext
from sagents.messages import ToolCall
from sagents.plan import CallRequest, CallResult, PlannedCall, StepRequest
from sagents.state import State
from sagents.surroundings import Surroundings
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent


class Batch:
    """What a step knows of the calls so far; `tools` are those that the model was shown."""

    def __init__(self, agent: Agent, request: StepRequest, around: Surroundings, context: HookContext) -> None:
        self.tools: dict[str, Tool[..., Any]] = {}
        self._agent, self._request, self._around, self._context = agent, request, around, context
        self._plans: dict[str, PlannedCall] = {}

    def plans(self, calls: Iterable[ToolCall]) -> tuple[PlannedCall, ...]:
        """What is known of these calls, in their order."""
        return tuple(self._plans.get(call.call_id) or bare(call) for call in calls)

    async def plan(self, calls: Iterable[ToolCall]) -> None:
        """Find out about each call; those that cannot run have their result at once."""
        announcer = announcer_of(self._agent, self._around)
        children = self._request.children
        for call in calls:
            context = replace(self._context, children=children)
            plan = await planned(self._agent, call, self.tools.get(call.name), context, self._around)
            children += plan.child is not None
            self._plans[call.call_id] = plan
            if plan.result:
                announcer.refused(call, plan.result)

    async def run_inline(self, calls: Iterable[ToolCall], state: State) -> None:
        """Run the cheap tools, each on what the ones before have made of the state.

        Unless a person has to decide something first: then nothing of the batch runs before (B-81), or nothing but
        what nobody is asked about, where every approval says that each call starts by itself.
        """
        if any(plan.approval and plan.approval.start == "all" for plan in self._plans.values()):
            return
        for call in calls:
            plan = self._plans[call.call_id]
            if plan.result is None and plan.approval is None and self.tools[call.name].inline:
                result = await self._run(call, state)
                state = state.merge(result.delta) if result.delta else state
                self._plans[call.call_id] = plan.but(result=result)

    async def _run(self, call: ToolCall, state: State) -> CallResult:
        async def read_state() -> State:
            return state

        request = CallRequest(
            agent=self._request.agent,
            reference=self._request.reference,
            run_id=self._request.run.id,
            record=self._request.record,
            call_id=call.call_id,
            name=call.name,
        )
        return await run_call(self._agent, call, request, self._around, read_state=read_state)
