"""A state in the making: what hooks, the model and inline tools turn it into, and the operations that lead there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sagents.hooks import HookContext, Middleware, state_hook
from sagents.interrupts import Raised
from sagents.messages import Message
from sagents.operations import Operation, difference
from sagents.plan import AgentRef, Ending, OutcomeKind, RunError
from sagents.replies import FailRun, Pause, RaiseInterrupt
from sagents.state import State


class StepFailed(Exception):
    """The step cannot go on; `error` is what the run ends with."""

    def __init__(self, error: RunError) -> None:
        self.error = error
        super().__init__(error.message)


class HookFailed(StepFailed):
    """A hook raised something, or answered with what is no answer."""

    def __init__(self, where: str, error: Exception) -> None:
        super().__init__(RunError(type="hook_failed", message=f"{where} failed: {type(error).__name__}: {error}"))


@dataclass(frozen=True)
class Draft:
    """A state, the operations since it was read, and what its hooks want besides."""

    state: State
    operations: tuple[Operation, ...] = ()
    raised: Raised | None = None
    ending: Ending | None = None

    @classmethod
    def of(cls, state: State, agent: AgentRef) -> Draft:
        return cls(_known(state, agent))

    def become(self, state: State) -> Draft:
        """With another state. The ids stay, whatever a hook has made of them (T-4)."""
        was = self.state
        steps = (*self.operations, *difference(was, state))
        owned = state.but(agent_id=was.agent_id, conversation_id=was.conversation_id)
        return replace(self, state=owned, operations=steps)

    def say(self, message: Message) -> Draft:
        return self.become(self.state.add_message(message))

    async def through(self, hook: str, stack: Iterable[Middleware], context: HookContext) -> Draft:
        """After every middleware's hook: one that pauses or asks a person does not keep the others from theirs."""
        draft = self
        for middleware in stack:
            try:
                answer = await state_hook(middleware, hook, draft.state, context)
                draft = draft._answered(answer)
            except RaiseInterrupt as asked:
                draft = draft._asked(asked.raised, middleware.id, hook)
            except FailRun as meant:
                raise StepFailed(RunError(type=meant.type, message=str(meant))) from meant
            except Exception as error:
                raise HookFailed(f"{middleware.id}.{hook}", error) from error
        return draft

    def _answered(self, answer: State | Pause | None) -> Draft:
        match answer:
            case State():
                return self.become(answer)
            case Pause():
                return replace(self, ending=Ending(kind=OutcomeKind.PAUSED, cause=answer.cause))
            case None:
                return self

    def _asked(self, raised: Raised, middleware: str, hook: str) -> Draft:
        if self.raised is not None and hook == "before_model":
            return self  # the hook is called again once the first question is answered, and asks then
        if self.raised is not None:
            raise HookFailed(f"{middleware}.{hook}", ValueError("another hook asks a person already; one at a time"))
        return replace(self, raised=raised)


def _known(state: State, agent: AgentRef) -> State:
    """The state with the agent's ids in it (T-3)."""
    conversation = agent.conversation_id if state.conversation_id is None else state.conversation_id
    return state.but(agent_id=agent.agent_id or state.agent_id, conversation_id=conversation)
