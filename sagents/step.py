"""The model step: hooks, one reply of a model, what becomes of its calls. All user code before the tools runs here."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sagents.announcing import announcer_of
from sagents.asking import Asking, Hearing
from sagents.batch import Batch
from sagents.contexts import context_of
from sagents.drafting import Draft, HookFailed, StepFailed
from sagents.errors import ModelError
from sagents.hooks import Middleware
from sagents.loop import ends
from sagents.messages import Message, MessageStatus, ToolCall
from sagents.nesting import MAX_DEPTH, is_deep
from sagents.plan import Ending, OutcomeKind, Plan, RunError, StepRequest
from sagents.ports import ModelRequest
from sagents.state import State
from sagents.surroundings import Surroundings

if TYPE_CHECKING:
    from sagents.agent import Agent


async def take_step(agent: Agent, state: State, request: StepRequest, around: Surroundings) -> Plan:
    """Ask the model once and plan what follows. Whatever fails is part of the plan.

    A cancel is too: the plan then says so, and keeps what the model had said.
    """
    step = Step(agent, state, request, around)
    plan = await step.taken()
    ending = ends(request.run, request.step, plan)
    if ending and ending.error:
        step.announcer.failed(ending.error)
    if plan.raised:
        step.announcer.halted(plan.raised)
    if step.draft.state.todos != state.todos:
        step.announcer.todos(step.draft.state)
    return plan


class Step:
    """One model step under way. `draft` is the state so far, `batch` what is known of the reply's calls."""

    def __init__(self, agent: Agent, state: State, request: StepRequest, around: Surroundings) -> None:
        self.agent, self.request, self.around = agent, request, around
        self.announcer = announcer_of(agent, around)
        self.context = context_of(
            agent,
            request.agent,
            around,
            run_id=request.run.id,
            step=request.step,
            requesters=request.run.requesters,
        )
        self.draft = Draft.of(state, request.agent)
        self.key = hashlib.sha256(request.record.encode()).hexdigest()[:16]
        self.hearing = Hearing(self.announcer, self._message_id, around.earlier_attempts)
        self.batch = Batch(agent, request, around, self.context)
        self.replied = False

    async def taken(self) -> Plan:
        try:
            await self._take()
        except StepFailed as failure:
            return self._plan(_failed(failure.error))
        except ModelError as error:
            self._keep_partial(MessageStatus.STREAM_ERROR, str(error))
            return self._plan(_failed(RunError(type="model_failed", message=str(error))))
        except asyncio.CancelledError:
            self._keep_partial(MessageStatus.CANCELLED)
            return self._plan(Ending(kind=OutcomeKind.CANCELLED))
        return self._plan()

    async def _take(self) -> None:
        if self.request.boot:
            await self._boot()
        if self.request.step == 0:
            await self._through("before_run", self.agent.stack)
        await self._through("before_model", self.agent.stack)
        if self._waits:
            return
        await self._ask()
        await self._through("after_model", reversed(self.agent.stack))
        if self.draft.ending and not self.draft.raised:
            return  # a question outranks a pause, and its calls are judged like all others
        await self.batch.plan(self._asked)
        ending = ends(self.request.run, self.request.step, self._plan())
        if ending is None and not self.draft.raised:
            await self.batch.run_inline(self._asked, self.draft.state)
        elif ending and ending.kind is OutcomeKind.FINISHED:
            await self._through("after_run", reversed(self.agent.stack))

    @property
    def _waits(self) -> bool:
        """Whether a hook has paused the run or asked a person."""
        return self.draft.ending is not None or self.draft.raised is not None

    async def _boot(self) -> None:
        """Every middleware's `on_start`, the state threaded through; one that fails is told and passed over (B-25)."""
        for middleware in self.agent.stack:
            try:
                await self._through("on_start", (middleware,))
            except HookFailed as failure:
                self.around.emit("middleware_action", {"middleware": middleware.id, "error": failure.error.message})

    async def _through(self, hook: str, stack: Iterable[Middleware]) -> None:
        self.draft = await self.draft.through(hook, stack, self.context)

    async def _ask(self) -> None:
        """One reply into the state. Its ids are ours: providers repeat theirs."""
        prompt = await self._prepare()
        chain = (self.agent.model, *self.agent.fallback_models)
        asking = Asking(chain, self.agent.before_fallback, self.around, self.announcer, self.hearing)
        request = ModelRequest(
            system_prompt=prompt,
            messages=self.draft.state.messages,
            tools=tuple(tool.spec() for tool in self.batch.tools.values()),
        )
        self._say(await asking.reply(request))

    async def _prepare(self) -> str:
        """The tools and the system prompt of this step."""
        try:
            self.batch.tools = {tool.name: tool for tool in await self.agent.all_tools(self.context)}
            prompt = await self.agent.system_prompt_for(self.context)
        except Exception as error:
            raise HookFailed("Making the agent's tools and prompt", error) from error
        self._check_targets()
        self.announcer.prepared(self.draft.state, prompt, self.batch.tools)
        return prompt

    def _check_targets(self) -> None:
        wanted = (*self.request.run.until_tool, *self.request.run.until_tool_success)
        unknown = ", ".join(name for name in wanted if name not in self.batch.tools)
        if unknown and self.request.step == 0:
            known = ", ".join(sorted(self.batch.tools)) or "none"
            raise StepFailed(
                RunError(type="unknown_until_tool", message=f"No tool is called {unknown}; tools are: {known}.")
            )

    def _say(self, reply: Message) -> None:
        calls = (_readable(call).but(call_id=f"call_{self.key}_{n}") for n, call in enumerate(reply.tool_calls))
        message = reply.but(id=self._message_id, tool_calls=tuple(calls))
        self.draft, self.replied = self.draft.say(message), True
        self.announcer.said(message, {tool.name: tool.display_text for tool in self.batch.tools.values()})

    def _keep_partial(self, status: MessageStatus, why: str = "") -> None:
        """What people have read of a reply that broke off stays in the conversation (B-13)."""
        if self.replied or not self.hearing.text.strip():
            return
        metadata = {"streaming_error": {"type": "model_failed", "message": why}} if why else {}
        self._say(Message.assistant(self.hearing.text, status=status, metadata=metadata))

    @property
    def _message_id(self) -> str:
        return self.request.reply_id

    @property
    def _asked(self) -> tuple[ToolCall, ...]:
        """The calls of the reply as it is in the state now: an `after_model` hook may have changed them."""
        replies = (m for m in reversed(self.draft.state.messages) if self.replied and m.id == self._message_id)
        return next((message.tool_calls for message in replies), ())

    def _plan(self, ending: Ending | None = None) -> Plan:
        """What the step has come to so far. A question to a person outranks a pause."""
        paused = None if self.draft.raised else self.draft.ending
        calls = self.batch.plans(self._asked)
        return Plan(
            record=self.request.record,
            operations=self.draft.operations,
            calls=calls,
            max_runs=self.agent.max_runs,
            ending=ending or paused,
            raised=self.draft.raised,
            replied=self.replied and self.draft.raised is not None,
            inherited=self.draft.state.metadata if any(call.child for call in calls) else {},
        )


def _readable(call: ToolCall) -> ToolCall:
    """Arguments that no worker could read back are none: a text in their place, which the model is told of."""
    return call.but(arguments=f"nested deeper than {MAX_DEPTH} levels") if is_deep(call.arguments) else call


def _failed(error: RunError) -> Ending:
    return Ending(kind=OutcomeKind.FAILED, error=error)
