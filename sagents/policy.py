"""What stands before a tool's calls: nothing, a person, or a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagents.decisions import KINDS_OF_DECISION
from sagents.errors import InvalidAgent
from sagents.plan import Approval

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


@dataclass(frozen=True)
class Policy:
    """Decides about each call of a tool, once: its verdict is kept. Made by `allow`, `ask` and `deny`."""

    verdict: Verdict

    async def evaluate(self, tool: Tool[..., Any], arguments: Mapping[str, Any], context: HookContext, /) -> Verdict:  # noqa: ARG002 - a policy may look at all of them
        """The verdict on one call, fully resolved: what is asked of a person says what it is about."""
        if isinstance(self.verdict, Ask) and not self.verdict.approval.summary:
            return Ask(self.verdict.approval.but(summary=tool.display_text))
        return self.verdict


def allow() -> Policy:
    """Calls run without asking."""
    return Policy(Allow())


def ask() -> Policy:
    """A person decides about each call before it runs."""
    return Policy(Ask(Approval(allowed_decisions=DEFAULT_DECISIONS)))


def deny(reason: str) -> Policy:
    """Calls never run; the model reads the reason."""
    return Policy(Deny(reason))


InterruptOn = bool | Iterable[str] | Mapping[str, Iterable[str]]
"""True asks, False and an empty list do not, a list names the decisions that a person may take (B-80)."""


def policy_from(tool: str, entry: InterruptOn) -> Policy:
    """The policy that an entry of `interrupt_on` stands for."""
    if isinstance(entry, bool):
        return ask() if entry else allow()
    allowed = entry.get("allowed_decisions", DEFAULT_DECISIONS) if isinstance(entry, Mapping) else entry
    if isinstance(allowed, str) or not isinstance(allowed, Iterable):
        raise InvalidAgent(f"interrupt_on[{tool!r}] is True, False or a list of decisions, not {entry!r}.")
    decisions = tuple(allowed)
    if unknown := [kind for kind in decisions if kind not in KINDS_OF_DECISION]:
        known = ", ".join(KINDS_OF_DECISION)
        raise InvalidAgent(f"interrupt_on[{tool!r}] allows {', '.join(map(repr, unknown))}; decisions are {known}.")
    return Policy(Ask(Approval(allowed_decisions=decisions))) if decisions else allow()
