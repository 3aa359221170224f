"""What stands before a tool's calls: nothing, a person, or a refusal.

A policy is evaluated once, in the model step. What it answers is recorded there and holds, whatever code, prompts and
policies become afterwards.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from sagents import policy_checks as check
from sagents.approvers import Approvers
from sagents.ask_policy import Asks
from sagents.decisions import KINDS_OF_DECISION, Reject
from sagents.errors import InvalidAgent
from sagents.plan import Approval
from sagents.terms import Escalation, OnExpiry, RememberScope
from sagents.verdicts import DEFAULT_DECISIONS, Allow, Ask, Deny, Fixed, Named, Policy, Verdict

if TYPE_CHECKING:
    from sagents.hooks import HookContext

__all__ = [
    "DEFAULT_DECISIONS",
    "Allow",
    "Ask",
    "Deny",
    "InterruptOn",
    "Named",
    "Policy",
    "Verdict",
    "allow",
    "ask",
    "deny",
    "policy_from",
]

Arguments: TypeAlias = Mapping[str, Any]
When: TypeAlias = (
    "Callable[[Arguments], bool | Awaitable[bool]] | Callable[[Arguments, HookContext], bool | Awaitable[bool]]"
)
WhoMay: TypeAlias = (
    "Approvers | Callable[[Arguments], Approvers | Awaitable[Approvers]]"
    " | Callable[[Arguments, HookContext], Approvers | Awaitable[Approvers]]"
)
Summary: TypeAlias = (
    "str | Callable[[Arguments], str | Awaitable[str]] | Callable[[Arguments, HookContext], str | Awaitable[str]]"
)

_NOT_SAID = Reject()
"""The default of `on_expiry`; another Reject has been written by somebody."""


def allow() -> Policy:
    """Calls run without asking."""
    return Fixed(Allow())


def deny(reason: str) -> Policy:
    """Calls never run; the model reads the reason."""
    if not isinstance(reason, str):
        raise InvalidAgent(f"deny: reason is text, not {reason!r}.")
    return Fixed(Deny(reason))


def ask(
    *,
    when: When | None = None,
    allowed_decisions: Iterable[str] = DEFAULT_DECISIONS,
    approvers: WhoMay | None = None,
    required_approvals: int = 1,
    self_approval: bool = True,
    risk: str | None = None,
    summary: Summary | None = None,
    remind_after: timedelta | None = None,
    escalate: Sequence[Escalation | tuple[timedelta, Approvers]] = (),
    expires_after: timedelta | None = None,
    on_expiry: OnExpiry = _NOT_SAID,
    notify: Iterable[str] | None = (),
    remember: Iterable[RememberScope] = (),
    operators_may_decide: bool = False,
) -> Policy:
    """A person decides about a call before it runs. Wrong options raise `InvalidAgent` here, not in a run.

    `when` is a predicate of the call's validated arguments: False lets the call run, anything else asks. It and the
    other functions here take `(arguments)` or `(arguments, context)` and may be async; one that fails asks, and lets
    nobody decide who would not have been asked.

    Who: `approvers` are `groups(...)`, `users(...)`, both joined by `|`, or a function that returns them; without
    them anybody may decide. `required_approvals` of them have to agree, each person counting once; without
    `self_approval` those who asked for the run do not. `operators_may_decide` lets in who reaches Temporal directly.

    What they see: `summary`, a template as `"Refund {amount} for {order}"` or a function, and `risk`.

    Until when: `remind_after` so long without a decision they are told again, and those of `escalate` may decide too.
    After `expires_after` what `on_expiry` says is done, a decision or `"cancel_run"`; without it, it waits for ever.

    `notify` names who is told; empty is the notifier's default, None is nobody. `remember` says how far they may have
    a decision remembered: "run", "conversation", "user".
    """
    if expires_after is None and on_expiry is not _NOT_SAID:
        raise InvalidAgent("ask: on_expiry needs expires_after; without it the approval waits for ever.")
    depends = callable(approvers)
    terms = Approval(
        allowed_decisions=check.decisions("allowed_decisions", allowed_decisions),
        approvers=None if approvers is None or depends else check.approvers("approvers", approvers),
        required_approvals=check.count("required_approvals", required_approvals),
        self_approval=check.flag("self_approval", self_approval),
        risk=check.text("risk", risk),
        remind_after=None if remind_after is None else check.duration("remind_after", remind_after),
        escalate=check.escalations("escalate", escalate),
        expires_after=None if expires_after is None else check.duration("expires_after", expires_after),
        on_expiry=check.on_expiry("on_expiry", on_expiry),
        notify=None if notify is None else check.words("notify", notify),
        remember=check.scopes("remember", remember),
        operators_may_decide=check.flag("operators_may_decide", operators_may_decide),
    )
    check.check_people(terms)
    check.check_times(terms)
    return Asks(
        terms,
        when=None if when is None else check.function("when", when, "a function of the arguments"),
        approvers=check.function("approvers", approvers, "people") if depends else None,
        summary=_summary(summary),
    )


def _summary(summary: object) -> Any:
    if isinstance(summary, str):
        return check.template("summary", summary)
    return "" if summary is None else check.function("summary", summary, "a template or a function of the arguments")


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
    return ask(allowed_decisions=decisions) if decisions else allow()
