"""Asking people about a call: whether, whom, and in which words, worked out from the call's arguments.

User code that fails, or answers with something else, makes nothing easier: then people are asked, only those who are
known may decide, and what they read says what went wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sagents.approvers import Approvers
from sagents.plan import Approval
from sagents.summaries import filled, shown
from sagents.verdicts import Allow, Ask, Policy, Verdict

if TYPE_CHECKING:
    from sagents.hooks import HookContext
    from sagents.tools import Tool

T = TypeVar("T")
Question = Callable[[Mapping[str, Any], "HookContext"], Awaitable[Any]]
"""An option that depends on the call."""


@dataclass(frozen=True)
class Asks(Policy):
    """The policy that `ask` makes. `terms` are what does not depend on the call."""

    terms: Approval
    when: Question | None = None
    approvers: Question | None = None
    summary: str | Question = ""

    async def evaluate(self, tool: Tool[..., Any], arguments: Mapping[str, Any], context: HookContext, /) -> Verdict:
        call = _Call(arguments, context)
        if self.when and await call.answer("when", self.when, bool) is False:
            return Allow()
        approval = self.terms
        if self.approvers:
            approval = approval.but(approvers=await call.answer("approvers", self.approvers, Approvers) or Approvers())
        return Ask(approval.but(summary=await self._words(tool, call)))

    async def _words(self, tool: Tool[..., Any], call: _Call) -> str:
        match self.summary:
            case str(template):
                words = filled(template, call.arguments)
            case question:
                words = shown(await call.answer("summary", question, str) or "")
        doubts = f" ({'; '.join(call.doubts)})" if call.doubts else ""
        return shown(f"{words or tool.display_text}{doubts}")


@dataclass
class _Call:
    """The call that is asked about, and what could not be found out about it."""

    arguments: Mapping[str, Any]
    context: HookContext
    doubts: list[str] = field(default_factory=list)

    async def answer(self, option: str, question: Question, kind: type[T]) -> T | None:
        """What an option answers; None, and a doubt, where that is of another kind or there is no answer."""
        try:
            answer = await question(self.arguments, self.context)
        except Exception as error:
            self.doubts.append(f"`{option}` failed: {type(error).__name__}: {error}")
            return None
        if isinstance(answer, kind):
            return answer
        self.doubts.append(f"`{option}` answered {type(answer).__name__} instead of {kind.__name__}")
        return None
