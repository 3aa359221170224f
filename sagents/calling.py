"""Running one tool call. Whatever a tool does, its call has a result that the model can read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sagents.announcing import announcer_of
from sagents.cancelling import Cancels
from sagents.clipping import clipped
from sagents.contexts import context_of
from sagents.editing import noted
from sagents.files import Files
from sagents.hooks import HookContext
from sagents.messages import ToolCall
from sagents.mistakes import InvalidArguments
from sagents.plan import CallRequest, CallResult
from sagents.replies import ModelRetry, RaiseInterrupt
from sagents.returned import Unusable, asked, failed, kept
from sagents.revalidating import objection
from sagents.state import State
from sagents.surroundings import Surroundings
from sagents.tool_context import ToolContext
from sagents.tool_measures import ToolMeasures
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent

ERROR = "ERROR executing tool"
PERHAPS = "An earlier attempt may have taken effect; check before repeating it."
ReadState = Callable[[], Awaitable[State]]


async def run_call(
    agent: Agent,
    call: ToolCall,
    request: CallRequest,
    around: Surroundings,
    *,
    read_state: ReadState,
    attempt: int = 1,
) -> CallResult:
    """The call's result. Raises only `CancelledError`, where the caller is cancelled.

    `attempt` is the worker's; a tool that is executed several times here counts on from it.
    """
    announcer = announcer_of(agent, around)
    if request.arguments is not None:
        call = call.but(arguments=request.arguments)
    tool = await _tool_for(agent, call, context_of(agent, request.agent, around, run_id=request.run_id))
    if isinstance(tool, CallResult):
        return announcer.refused(call, _unrun(call, tool.result.text) if request.approved else tool)
    call, arguments = call.but(display_text=tool.display_text), tool.validated(call.arguments)
    context = _context(request, around, attempt, read_state)
    if request.approved and (why := await objection(tool, arguments, context)):
        return announcer.refused(call, _unrun(call, why, attempt))
    announcer.started(call, arguments)
    told = ToolMeasures(around, call, attempt)
    try:
        return announcer.ended(call, told.ended(noted(await Execution(tool, call, context, around).result(), request)))
    except asyncio.CancelledError:
        told.cancelled()
        announcer.cancelled(call)
        raise


def _unrun(call: ToolCall, why: str, attempt: int = 1) -> CallResult:
    """A call that people had approved, and that does not run. Of an earlier attempt that was lost nobody knows."""
    if attempt > 1:
        return failed(call, f"This call was approved. Trying it again was refused: {why} {PERHAPS}")
    return failed(call, f"This call was approved, but was not executed: {why}").but(not_executed=clipped(why))


async def _tool_for(agent: Agent, call: ToolCall, context: HookContext) -> Tool[..., Any] | CallResult:
    """The tool, where there is one that takes these arguments; else what the model reads instead of a result."""
    try:
        tool = await agent.tool_named(call.name, context)
        return usable(tool, call)
    except Exception as error:
        return failed(call, because(error))


def usable(tool: Tool[..., Any] | None, call: ToolCall) -> Tool[..., Any] | CallResult:
    """The tool itself, if it exists and takes the call's arguments."""
    if tool is None:
        return failed(call, f"Tool '{call.name}' not found")
    try:
        tool.validated(call.arguments)
    except InvalidArguments as error:
        return failed(call, str(error))
    return tool


def _context(request: CallRequest, around: Surroundings, attempt: int, read_state: ReadState) -> ToolContext:
    ref = request.agent
    return ToolContext(
        agent_id=ref.root_id,
        sub_agent_id=ref.agent_id if ref.sub else None,
        path=ref.path,
        agent_name=ref.name,
        conversation_id=ref.conversation_id,
        run_id=request.run_id,
        tool_call_id=request.call_id,
        scope=ref.scope,
        options=ref.options,
        attempt=attempt,
        files=Files.around(request.agent, around),
        emit=around.emit,
        read_state=read_state,
    )


@dataclass
class Execution:
    """A tool at work on one call."""

    tool: Tool[..., Any]
    call: ToolCall
    context: ToolContext
    around: Surroundings
    read: State | None = None

    async def result(self) -> CallResult:
        """What came of it: a value, an error for the model, or a question to a person."""
        cancels = Cancels()
        deadline = asyncio.timeout(self.tool.timeout.total_seconds())
        try:
            async with deadline:
                result = kept(self.call, await self._value(), self.read)
                return result.but(queued=tuple(self.context.queued)) if self.context.queued else result
        except RaiseInterrupt as question:
            return asked(self.call, question.raised)
        except ModelRetry as again:
            return failed(self.call, str(again))
        except Unusable as error:
            return failed(self.call, f"{ERROR}: {error}")
        except asyncio.CancelledError:
            if cancels.asked:
                raise
            return failed(self.call, f"{ERROR}: something that it waited for was cancelled")
        except (Exception, SystemExit) as error:  # a tool that calls sys.exit() must not end the worker
            return failed(self.call, self._late() if deadline.expired() else because(error))

    async def _value(self) -> object:
        """What the tool returns in the first execution that does not raise, or the last one's exception."""
        own, usual = self.tool.attempts, self.around.tool_retry
        attempts = usual.attempts if own is None else own
        for number in range(attempts):
            if number and own is None:
                await self.around.sleep(usual.wait(number))
            context = self._context(self.context.attempt + number)
            try:
                return await self.tool.call(self.tool.validated(self.call.arguments), context)
            except (ModelRetry, RaiseInterrupt):
                raise
            except (Exception, SystemExit):
                if number + 1 == attempts:
                    raise
        raise AssertionError("unreachable: a tool has at least one attempt")

    def _context(self, attempt: int) -> ToolContext:
        return replace(self.context, attempt=attempt, read_state=self._read)

    async def _read(self) -> State:
        self.read = await self.context.read_state()
        return self.read

    def _late(self) -> str:
        seconds = self.tool.timeout.total_seconds()
        still = "" if self.tool.is_async else " It may still be at work."
        return f"{ERROR}: it took longer than {seconds:g} seconds.{still}"


def because(error: BaseException) -> str:
    return f"{ERROR}: {type(error).__name__}" + (f": {error}" if str(error) else "")
