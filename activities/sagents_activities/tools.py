"""Tool calls: one activity each, with arguments from the step's record."""

from dataclasses import dataclass

from temporalio import activity

from sagents.agent import Agent
from sagents.calling import run_call
from sagents.clipping import clipped
from sagents.contexts import context_of
from sagents.errors import AgentNotRegistered, InvalidAgent, NotHere, StoreUnavailable
from sagents.messages import ToolCall, ToolResult
from sagents.plan import CallRequest, CallResult, WorkerLoss
from sagents.surroundings import Surroundings
from sagents_activities.failures import translated
from sagents_activities.kit import Kit

LOST = (
    "The outcome of this call is unknown: the worker that ran it was lost, and the call may have taken effect. "
    "Check before repeating it."
)


@dataclass(frozen=True)
class ToolActivities:
    """Effects of running tools."""

    kit: Kit

    @activity.defn(name="tool_call")
    async def call(self, request: CallRequest) -> CallResult:
        """Run one planned call. At least once: a tool that must not run twice honours its idempotency key,

        or is declared with `on_worker_loss="report"`.
        """
        with translated():
            call = await self._planned(request)
            announcing = self.kit.announcer(request.agent, request.run_id, request.call_id).publishing()
            async with announcing as announcer:
                try:
                    return await self._run(
                        request, call, self.kit.surroundings(announcer, request.agent, request.run_id)
                    )
                except (AgentNotRegistered, InvalidAgent) as error:
                    return _gone(request, f"The tool could not run: {error}")

    async def _run(self, request: CallRequest, call: ToolCall, around: Surroundings) -> CallResult:
        read_state = self.kit.reader.from_elsewhere(request.agent.agent_id, request.reference)
        attempt = activity.info().attempt
        agent = await self.kit.userland.run(lambda: self._agent_for(request, around))
        if request.on_worker_loss is WorkerLoss.REPORT and await self._was_lost(request):
            return _error(request, LOST)
        return await self.kit.userland.run(
            lambda: run_call(agent, call, request, around, read_state=read_state, attempt=attempt)
        )

    async def _agent_for(self, request: CallRequest, around: Surroundings) -> Agent:
        """The agent. A planned tool that is not here may be on a newer worker, for a while."""
        agent = await self.kit.make(request.agent)
        context = context_of(agent, request.agent, around, run_id=request.run_id)
        try:
            is_here = await agent.tool_named(request.name, context) is not None
        except Exception:
            is_here = True  # nobody can tell; the call itself says to the model what is wrong
        if not is_here:
            self.kit.perhaps_elsewhere(NotHere(f"This worker does not know the tool {request.name!r}."))
        return agent

    async def _planned(self, request: CallRequest) -> ToolCall:
        """The call as the model made it, with the arguments that a person gave instead, where one did."""
        calls = await self.kit.calls.of(request.agent.agent_id, request.record)
        if calls is None:
            raise StoreUnavailable(f"The store does not have the record {request.record!r} (any more).")
        call = calls[request.call_id]
        return call if request.arguments is None else call.but(arguments=request.arguments)

    async def _was_lost(self, request: CallRequest) -> bool:
        """Whether an earlier attempt of this very activity had begun: its footprint is in the store."""
        info = activity.info()
        await self.kit.fence.claim(request.agent.agent_id)
        key = f"started:{info.workflow_run_id}:{request.call_id}"
        mine = str(info.attempt)
        return mine != await self.kit.store.put_once(request.agent.agent_id, key, mine, info.workflow_run_id or "")


def _gone(request: CallRequest, why: str) -> CallResult:
    """The call cannot run any more; where people had approved it, the record says so."""
    return _error(request, why).but(not_executed=clipped(why) if request.approved else None)


def _error(request: CallRequest, text: str) -> CallResult:
    result = ToolResult(tool_call_id=request.call_id, name=request.name, content=text, is_error=True)
    return CallResult(result=result)
