"""A sub-agent's first and last activity: what it is sent to do, and what its parent gets of it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import JsonValue
from temporalio import activity

from sagents import telemetry
from sagents.agent import Agent
from sagents.announcing import Announcer as Telling
from sagents.announcing import announcer_of
from sagents.briefs import Brief, BriefRequest, ConcludeRequest
from sagents.children import brief_of, broken, concluded
from sagents.contexts import context_of
from sagents.delegating import errand_again
from sagents.errors import AgentNotRegistered, InvalidAgent, StoreUnavailable
from sagents.measuring import milliseconds
from sagents.messages import Message, ToolCall
from sagents.plan import AgentRef, CallResult, Link, Plan
from sagents.state import State
from sagents.surroundings import Surroundings
from sagents.tool_measures import outcome_of
from sagents_activities.announcer import Announcer
from sagents_activities.failures import translated
from sagents_activities.kit import Kit
from sagents_activities.recorded import calls_of


@dataclass(frozen=True)
class ChildActivities:
    """Effects at both ends of a sub-agent's life. Its call is in its parent's record."""

    kit: Kit

    @activity.defn(name="brief")
    async def brief(self, request: BriefRequest) -> Brief:
        """What the sub-agent begins with. Tells that the parent's call has begun (B-57)."""
        with translated():
            call, inherited = await self._call(request.agent)
            async with self.kit.announcer(request.agent, None, "brief").publishing() as announcer:

                async def prepare() -> Brief:
                    return await self._brief(request.agent, call, inherited, announcer)

                try:
                    return await self.kit.userland.run(prepare)
                except (AgentNotRegistered, InvalidAgent) as error:
                    return Brief(refusal=broken(request.agent, f"The task could not begin: {error}"))

    async def _brief(
        self, ref: AgentRef, call: ToolCall, inherited: Mapping[str, JsonValue], announcer: Announcer
    ) -> Brief:
        parent = await self.kit.make(ref.parent)
        around = self._above(ref, announcer)
        told = announcer_of(parent, around)
        errand = await errand_again(parent, call, context_of(parent, ref.parent, around))
        if isinstance(errand, CallResult):
            return Brief(refusal=told.refused(call, errand))
        told.started(call, call.arguments if isinstance(call.arguments, dict) else {})
        link = Link(name=errand.task_name, system_prompt=errand.system_prompt)
        delegate = await self.kit.delegated(Brief(link=link).applied(ref))
        brief = brief_of(errand, delegate, inherited)
        if not brief.quiet:
            await self._tell_start(brief.applied(ref), delegate.agent, brief, announcer)
        return brief

    async def _tell_start(self, ref: AgentRef, agent: Agent, brief: Brief, announcer: Announcer) -> None:
        tools: list[str] = []
        with suppress(Exception):  # hooks are user code; its first step says what is wrong
            around = self.kit.surroundings(announcer, ref)
            tools = [tool.name for tool in await agent.all_tools(context_of(agent, ref, around))]
        announcer.emit(
            "subagent_started",
            {
                "sub_agent_id": ref.agent_id,
                "parent_id": ref.parent.agent_id,
                "call_id": ref.sub.call_id if ref.sub else "",
                "name": ref.name,
                "initial_messages": [message.model_dump(mode="json") for message in brief.messages],
                "tools": [*tools],
                "middleware": [middleware.id for middleware in agent.stack],
                "model": agent.model if isinstance(agent.model, str) else agent.model.name,
            },
        )

    @activity.defn(name="conclude")
    async def conclude(self, request: ConcludeRequest) -> CallResult:
        """The result of the parent's call; the sub-agent has saved itself before."""
        ref = request.agent
        with translated():
            state = await self.kit.reader.read(ref.agent_id, request.reference)
            call, inherited = await self._call(ref)
            result = concluded(ref, state, request.ending, request.interrupts, inherited)
            key = f"conclude:{request.reference.digest}"
            async with self.kit.announcer(ref, None, key).publishing() as announcer:
                _tell_end(request, state, result, announcer)

                async def tell() -> None:
                    (await self._telling(ref, announcer)).ended(call, result)

                await self.kit.userland.run(tell)
            self._measure(request, result)
            return result

    def _measure(self, request: ConcludeRequest, result: CallResult) -> None:
        """The parent's call has ended, for telemetry."""
        ref, sub = request.agent, request.agent.sub
        assert sub is not None, "only a sub-agent answers a call"
        about = {"tool": sub.tool, "tool_call_id": sub.call_id, "attempt": 1, "sub_agent_id": ref.agent_id}
        took = milliseconds(request.began_at, datetime.now(UTC))
        run_id = None if ref.parent.sub else sub.root_run_id  # a sub-agent's own run has no name up here
        self.kit.measured(ref.parent, run_id)(telemetry.TOOL_STOP, **about, **outcome_of(result), **took)

    async def _telling(self, ref: AgentRef, announcer: Announcer) -> Telling:
        """Who tells the parent's observers; a parent that cannot be made any more has none."""
        around = self._above(ref, announcer)
        try:
            return announcer_of(await self.kit.app.make(ref.parent), around)
        except (AgentNotRegistered, InvalidAgent):
            return Telling(around.emit)

    def _above(self, ref: AgentRef, announcer: Announcer) -> Surroundings:
        return replace(self.kit.surroundings(announcer, ref.parent), emit=announcer.above)

    async def _call(self, ref: AgentRef) -> tuple[ToolCall, Mapping[str, JsonValue]]:
        """The call as the model made it or a person changed it, and the metadata that the parent had then."""
        sub = ref.sub
        assert sub is not None, "only a sub-agent answers a call"
        body = await self.kit.store.get(sub.parent_id, sub.record)
        if body is None:
            raise StoreUnavailable(f"The store does not have the record {sub.record!r} (any more).")
        plan = Plan.model_validate_json(body)
        call = calls_of(plan)[sub.call_id]
        return call if sub.arguments is None else call.but(arguments=sub.arguments), plan.inherited


def _tell_end(request: ConcludeRequest, state: State, result: CallResult, announcer: Announcer) -> None:
    """B-57: what came of it, how long it took, and what it used."""
    about: dict[str, JsonValue] = {
        "sub_agent_id": request.agent.agent_id,
        "name": request.agent.name,
        **milliseconds(request.began_at, datetime.now(UTC)),
        "token_usage": _usage(state.messages),
    }
    if result.raised is None and not result.result.is_error:
        announcer.emit("subagent_completed", {**about, "result": result.result.text})
        return
    turns = sum(1 for message in state.messages if message.tool_calls or message.role == "assistant")
    announcer.emit("subagent_failed", {**about, "error": result.result.text, "turn_count": turns})


def _usage(messages: tuple[Message, ...]) -> dict[str, JsonValue]:
    used = [message.usage for message in messages if message.usage]
    return {"input": sum(usage.input or 0 for usage in used), "output": sum(usage.output or 0 for usage in used)}
