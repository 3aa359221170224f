"""A head, its state and the effects that the loop asks for, one after the other, in this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sagents import loop, results
from sagents.announcing import announcer_of
from sagents.answering import answer, settle
from sagents.calling import run_call
from sagents.contexts import context_of
from sagents.descending import descend
from sagents.editing import check_edits
from sagents.errors import CannotResume
from sagents.gating import planned
from sagents.head import CallState, Head, Phase, Run
from sagents.interrupts import Interrupt
from sagents.messages import ToolCall
from sagents.operations import fold
from sagents.outcome import Outcome, call_named, last_text, result_named, value_of
from sagents.pending import questions, unanswered
from sagents.plan import (
    AgentRef,
    AnswerRequest,
    CallRequest,
    CallResult,
    Ending,
    OutcomeKind,
    Plan,
    RunError,
    RunSpec,
    Settled,
    SettleRequest,
    StepRequest,
)
from sagents.state import State
from sagents.step import take_step
from sagents.surroundings import Surroundings
from sagents.suspending import Suspended, left, taken_up
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent


class Drive:
    """One run on its way. `head` says where it stands, `state` what the agent knows by now."""

    def __init__(
        self, agent: Agent, state: State, around: Surroundings, run_id: str, ref: AgentRef | None = None
    ) -> None:
        agent_id = agent.agent_id or state.agent_id or f"agent_{run_id}"
        conversation = None if state.conversation_id is None else str(state.conversation_id)
        self.agent, self.around = agent, around
        self.ref = ref or AgentRef(name=agent.name or "", agent_id=agent_id, conversation_id=conversation)
        self.state = taken_up(state).but(agent_id=self.ref.agent_id)
        self.head = Head(agent=self.ref)
        self.is_paused = False
        self._results: dict[str, CallResult] = {}
        self._tools: dict[str, Tool[..., Any]] = {}

    async def started(self, spec: RunSpec) -> Outcome:
        self._apply(results.Started(run=spec))
        return await self._driven()

    async def decided(self, decisions: tuple[results.Decided, ...]) -> Outcome:
        for decision in decisions:
            self._apply(decision)
        return await self._driven()

    async def continued(self) -> Outcome:
        self._apply(results.Continued())
        return await self._driven()

    async def restore(self, suspended: Suspended) -> None:
        """Where the run stood: what waits is found in the state. Raises `CannotResume` where nothing does."""
        step = max(suspended.step, 1)
        self.head = self.head.but(phase=Phase.MODEL, run=Run(spec=suspended.spec, step=step - 1))
        calls = unanswered(self.state)
        if calls:
            await self._restore_calls(calls, suspended, step)
        asked = tuple(one.but(required_approvals=1) for one in suspended.waiting(self.head, questions(self.state)))
        self.head = self.head.with_run(step=step).but(interrupts=asked)
        self.is_paused = suspended.paused and not asked
        if not self.is_paused and not asked:
            raise CannotResume(self.ref.agent_id, "idle", "Cannot resume: nothing in this state waits for a decision")

    def check(self, decisions: tuple[results.Decided, ...]) -> None:
        """Raises `InvalidDecision` for arguments that a tool does not take, before anything has changed."""
        check_edits(self.head, self._tools, decisions)

    async def _restore_calls(self, calls: tuple[ToolCall, ...], suspended: Suspended, step: int) -> None:
        """The calls as they were left. A stored state does not tell, so that the policies of their tools do."""
        context = context_of(self.agent, self.ref, self.around, run_id=suspended.spec.id, step=step)
        try:
            self._tools = {tool.name: tool for tool in await self.agent.all_tools(context)}
        except Exception as error:
            why = f"Cannot resume: the agent's tools could not be made: {type(error).__name__}: {error}"
            raise CannotResume(self.ref.agent_id, "interrupted", why) from error
        if suspended.knows(calls):
            self.head = self.head.with_run(calls=suspended.calls, max_runs=self.agent.max_runs).but(phase=Phase.CALLS)
            return
        plans = [await planned(self.agent, call, self._tools.get(call.name), context, self.around) for call in calls]
        self._apply(Plan(record=suspended.spec.id, calls=tuple(plans), max_runs=self.agent.max_runs))

    async def _driven(self) -> Outcome:
        try:
            while await self._advanced():
                pass
        except asyncio.CancelledError:
            self._apply(results.Cancelled())
        except Exception as error:
            self._apply(results.Failed(error=RunError(type="crashed", message=f"{type(error).__name__}: {error}")))
            self._announce_failure()
        return self._outcome()

    async def _advanced(self) -> bool:
        """Do the next thing; False where there is none."""
        match loop.next_action(self.head):
            case results.AskModel():
                self._apply(await self._step())
            case results.RunCalls(calls=calls):
                await self._run_all(calls)
                self._announce_failure()
            case results.Answer(interrupt=interrupt):
                self._apply(await self._answered(interrupt))
            case results.Settle():
                request = SettleRequest(agent=self.ref, reference=self.head.log.reference, run=self.head.started.spec)
                operations = await settle(self.agent, self.state, request, self.around)
                self._apply(Settled(operations=operations))
            case results.Rest() | results.Park():
                return False
        return True

    async def _step(self) -> Plan:
        run = self.head.started
        request = StepRequest(
            agent=self.ref,
            reference=self.head.log.reference,
            run=run.spec,
            step=run.step,
            children=run.children,
        )
        plan = await take_step(self.agent, self.state, request, self.around)
        self._results |= {call.call_id: call.result for call in plan.calls if call.result}
        return plan

    async def _run_all(self, calls: tuple[CallState, ...]) -> None:
        """The parallel ones at once, then the others in order. What has ended before a cancel counts (B-17, B-70)."""
        done: dict[str, CallResult] = {}

        async def run(call: CallState) -> None:
            done[call.plan.call_id] = await self._run_one(call)

        try:
            await asyncio.gather(*(run(call) for call in calls if call.plan.parallel))
            for call in calls:
                if not call.plan.parallel:
                    await run(call)
        finally:
            self._results |= done
            self._apply(results.CallsDone(results=done))

    async def _run_one(self, state: CallState) -> CallResult:
        call = call_named(self.state, state.plan.call_id)
        assert call is not None, "every planned call is in the conversation"
        if state.plan.child is not None:
            return await descend(Drive, self.agent, self.head, state, call, self.state, self.around)
        request = CallRequest(
            agent=self.ref,
            reference=self.head.log.reference,
            run_id=self.head.started.spec.id,
            record=self.head.started.record,
            call_id=call.call_id,
            name=call.name,
            arguments=state.arguments,
            approved=state.plan.approval is not None,
        )
        return await run_call(self.agent, call, request, self.around, read_state=self._read)

    async def _read(self) -> State:
        return self.state

    async def _answered(self, interrupt: Interrupt) -> results.AnswerDone:
        assert interrupt.decision is not None, "only a decided interrupt is answered"
        request = AnswerRequest(
            agent=self.ref,
            reference=self.head.log.reference,
            run_id=self.head.started.spec.id,
            interrupt=interrupt,
            decision=interrupt.decision,
        )
        answered = await answer(self.agent, self.state, request, self.around)
        return results.AnswerDone(interrupt_id=interrupt.id, answered=answered)

    def _apply(self, result: results.Result) -> None:
        """The head moves on, and the state by the operations that this took."""
        seen = len(self.head.log.tail)
        self.head = loop.apply(self.head, result)
        self.state = fold(self.state, self.head.log.tail[seen:])

    def _announce_failure(self) -> None:
        """A step announces its own; what fails after the calls or by a bug is announced here."""
        if self.head.ending and self.head.ending.error:
            announcer_of(self.agent, self.around).failed(self.head.ending.error)

    def _outcome(self) -> Outcome:
        ending = self.head.ending or Ending(kind=OutcomeKind.INTERRUPTED)
        call_id = ending.tool_call_id
        result = result_named(self.state, call_id) if call_id else None
        artifacts = self._results[call_id].processed if call_id in self._results else None
        return Outcome(
            kind=ending.kind,
            text=last_text(self.state),
            state=left(self.state, self.head),
            interrupts=self.head.open_interrupts,
            error=ending.error,
            cause=ending.cause,
            tool_result=result,
            processed=value_of(result) if artifacts is None else artifacts,
        )
