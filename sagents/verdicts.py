"""What a policy says about one call of a tool."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagents.approvers import Approvers
from sagents.plan import Approval, Start
from sagents.summaries import shown

if TYPE_CHECKING:
    from sagents.hooks import HookContext
    from sagents.tools import Tool

DEFAULT_DECISIONS = ("approve", "edit", "reject")


@dataclass(frozen=True)
class Allow:
    """The call runs."""


@dataclass(frozen=True)
class Ask:
    """A person decides first."""

    approval: Approval


@dataclass(frozen=True)
class Deny:
    """The call does not run; the model reads the reason."""

    reason: str


Verdict = Allow | Ask | Deny


class Policy(ABC):
    """Decides about each call of a tool, once. Made by `allow`, `ask` and `deny`, or a class of your own."""

    @abstractmethod
    async def evaluate(self, tool: Tool[..., Any], arguments: Mapping[str, Any], context: HookContext, /) -> Verdict:
        """The verdict on one call; `arguments` are validated. Where this raises, an operator has to decide."""


@dataclass(frozen=True)
class Fixed(Policy):
    """The same verdict on every call."""

    verdict: Allow | Deny

    async def evaluate(self, tool: Tool[..., Any], arguments: Mapping[str, Any], context: HookContext, /) -> Verdict:  # noqa: ARG002 - it looks at none of them
        return self.verdict


@dataclass(frozen=True)
class Named(Policy):
    """A policy under the name by which it was found, which what it asks carries; a name further in counts more.

    It never raises. With `start` it also says when what was approved begins.
    """

    policy: Policy
    name: str
    start: Start | None = None

    async def evaluate(self, tool: Tool[..., Any], arguments: Mapping[str, Any], context: HookContext, /) -> Verdict:
        try:
            verdict = _meant(await self.policy.evaluate(tool, arguments, context))
        except Exception as error:
            verdict = doubtful(tool, error)
        if not isinstance(verdict, Ask):
            return verdict
        asked = verdict.approval
        return Ask(asked.but(policy=asked.policy or self.name, start=self.start or asked.start))


def doubtful(tool: Tool[..., Any], error: Exception) -> Ask:
    """What becomes of a call whose policy could not decide: nobody knows who may, so an operator has to."""
    summary = shown(f"{tool.display_text} (its policy failed: {type(error).__name__}: {error})")
    return Ask(
        Approval(summary=summary, allowed_decisions=DEFAULT_DECISIONS, approvers=Approvers(), operators_may_decide=True)
    )


def _meant(verdict: object) -> Verdict:
    if isinstance(verdict, Allow | Ask | Deny):
        return verdict
    raise TypeError(f"a policy answers with Allow, Ask or Deny, not with {verdict!r}")
