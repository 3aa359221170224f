"""Policies: which calls people are asked about, who they are, and what they read."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sagents import (
    Approve,
    Approvers,
    Edit,
    Escalation,
    HookContext,
    InvalidAgent,
    Policy,
    Reject,
    Respond,
    allow,
    ask,
    deny,
    groups,
    tool,
    users,
)
from sagents.plan import Approval
from sagents.policy import Allow, Ask, Deny, Named, Verdict

pytestmark = pytest.mark.asyncio

HOUR = timedelta(hours=1)
FINANCE = groups("finance")


@tool
def refund(order: str, amount: float) -> str:
    """Refund an order."""
    return f"refunded {amount} for {order}"


async def verdict(policy: Policy, **arguments: Any) -> Verdict:
    given = {"order": "7", "amount": 500.0, **arguments}
    return await policy.evaluate(refund, given, HookContext(agent_id="desk-1", scope={"tenant": "acme"}))


async def approval(policy: Policy, **arguments: Any) -> Approval:
    asked = await verdict(policy, **arguments)
    assert isinstance(asked, Ask)
    return asked.approval


async def test_asking_without_options_asks_anybody_for_ever() -> None:
    asked = await approval(ask())
    assert (asked.summary, asked.allowed_decisions) == ("Refund", ("approve", "edit", "reject"))
    assert (asked.approvers, asked.required_approvals, asked.self_approval) == (None, 1, True)
    assert (asked.expires_after, asked.remind_after, asked.escalate, asked.remember) == (None, None, (), ())


async def test_all_terms_are_in_what_is_asked() -> None:
    asked = await approval(
        ask(
            allowed_decisions=["approve", "reject"],
            approvers=FINANCE | users("ada"),
            required_approvals=2,
            self_approval=False,
            risk="high",
            remind_after=HOUR,
            escalate=[(5 * HOUR, users("boss")), Escalation(2 * HOUR, groups("leads"))],
            expires_after=72 * HOUR,
            on_expiry="cancel_run",
            notify=["#refunds"],
            remember=["run", "user"],
            operators_may_decide=True,
        )
    )
    assert asked.allowed_decisions == ("approve", "reject")
    assert asked.approvers == Approvers(users=("ada",), groups=("finance",))
    assert (asked.required_approvals, asked.self_approval, asked.operators_may_decide) == (2, False, True)
    assert (asked.risk, asked.remind_after, asked.expires_after, asked.on_expiry) == (
        "high",
        HOUR,
        72 * HOUR,
        "cancel_run",
    )
    assert asked.escalate == (Escalation(2 * HOUR, groups("leads")), Escalation(5 * HOUR, users("boss")))
    assert (asked.notify, asked.remember) == (("#refunds",), ("run", "user"))


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def in_the_evening(arguments: Any, context: HookContext) -> bool:
    return context.scope["tenant"] == "acme" and arguments["amount"] > 100


PREDICATES: list[Callable[..., Any]] = [
    lambda a: a["amount"] > 100,
    lambda a, limit=100: a["amount"] > limit,
    lambda *given: given[0]["amount"] > 100,
    in_the_evening,
]


@pytest.mark.parametrize("when", PREDICATES)
async def test_a_predicate_of_the_arguments_decides_whether_people_are_asked(when: Callable[..., Any]) -> None:
    assert isinstance(await verdict(ask(when=when), amount=500.0), Ask)
    assert await verdict(ask(when=when), amount=5.0) == Allow()


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (lambda a: a["total"] > 100, "`when` failed: KeyError: 'total'"),
        (lambda a: None, "`when` answered NoneType instead of bool"),
        (lambda a: 0, "`when` answered int instead of bool"),
        (lambda a: a["amount"] > "100", "`when` failed: TypeError"),
    ],
)
async def test_a_predicate_that_cannot_tell_asks_those_who_would_be_asked(when: Any, told: str) -> None:
    """Only False lets a call run: a forgotten `return` does not."""
    asked = await approval(ask(when=when, approvers=FINANCE))
    assert told in asked.summary
    assert (asked.approvers, asked.operators_may_decide) == (FINANCE, False)


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_may_decide_may_depend_on_the_call() -> None:
    async def by_amount(arguments: Any, context: HookContext) -> Approvers:
        return users(f"boss@{context.scope['tenant']}") if arguments["amount"] > 100 else FINANCE

    assert (await approval(ask(approvers=by_amount))).approvers == users("boss@acme")
    assert (await approval(ask(approvers=by_amount), amount=5.0)).approvers == FINANCE


@pytest.mark.parametrize("operators", [False, True])
@pytest.mark.parametrize("who", [lambda a: FINANCE if a["team"] else None, lambda a: None, lambda a: "finance"])
async def test_approvers_that_cannot_be_found_out_let_nobody_in(who: Any, operators: bool) -> None:
    asked = await approval(ask(approvers=who, operators_may_decide=operators))
    assert (asked.approvers, asked.operators_may_decide) == (Approvers(), operators)
    assert asked.summary.startswith("Refund (`approvers` ")


# ── what they read ───────────────────────────────────────────────────────────────────────────────────────────────


class Secretive:
    password = "hunter2"

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("template", "arguments", "summary"),
    [
        ("Refund {amount:.2f} for {order}", {}, "Refund 500.00 for 7"),
        ("Refund {amount:.2f}", {"amount": "many"}, "Refund many"),
        ("{order!r} of {customer}", {}, "'7' of {customer}"),
        ("{order.__class__} {order[0]} {} {order!x}", {}, "{order.__class__} {order[0]} {} {order!x}"),
        ("a {{brace}} {order:{amount}}", {}, "a {brace} 7"),
        ("{order}", {"order": "7\nApproved by the boss\x1b[2K\u202e"}, "7 Approved by the boss [2K "),
        ("for {order}", {"order": Secretive()}, "for {order}"),
        ("", {}, "Refund"),
    ],
)
async def test_a_template_is_filled_with_arguments_and_never_looks_into_them(
    template: str, arguments: dict[str, Any], summary: str
) -> None:
    """A model chooses the values: they cannot fake another line of what people read."""
    assert (await approval(ask(summary=template), **arguments)).summary == summary


async def test_a_summary_stays_short_however_long_the_arguments_are() -> None:
    assert len((await approval(ask(summary="{order} {order}"), order="x" * 100_000)).summary) == 500


async def test_a_function_writes_the_summary() -> None:
    async def words(arguments: Any) -> str:
        return f"{arguments['amount']:g} €\nto order {arguments['order']}"

    assert (await approval(ask(summary=words))).summary == "500 €\nto order 7"


@pytest.mark.parametrize("words", [lambda a: a["customer"], lambda a: 7])
async def test_a_summary_that_fails_says_so_and_changes_nothing_else(words: Any) -> None:
    asked = await approval(ask(summary=words, approvers=FINANCE))
    assert asked.summary.startswith("Refund (`summary` ")
    assert asked.approvers == FINANCE


# ── what cannot be meant ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"when": True}, "when is a function of the arguments, not True"),
        ({"when": lambda: True}, "when is a function of one argument or two"),
        ({"when": lambda a, b, c: True}, "when is a function of one argument or two"),
        ({"allowed_decisions": "approve"}, "allowed_decisions takes a list"),
        ({"allowed_decisions": ["aprove"]}, "allowed_decisions takes approve, edit, reject, respond, not 'aprove'"),
        ({"allowed_decisions": []}, "allowed_decisions allows nothing"),
        ({"approvers": "finance"}, "approvers is groups(...), users(...)"),
        ({"approvers": lambda: FINANCE}, "approvers is a function of one argument or two"),
        ({"approvers": groups()}, "required_approvals can never be reached: it takes 1 of nobody"),
        ({"approvers": users("ada"), "required_approvals": 2}, "can never be reached: it takes 2 of ada"),
        ({"required_approvals": 0}, "required_approvals is a whole number of at least 1, not 0"),
        ({"required_approvals": True}, "required_approvals is a whole number"),
        ({"self_approval": "no"}, "self_approval is True or False"),
        ({"operators_may_decide": None}, "operators_may_decide is True or False"),
        ({"risk": 3}, "risk is text or None"),
        ({"summary": 3}, "summary is a template or a function"),
        ({"summary": "Refund {amount"}, "summary is no template"),
        ({"remind_after": 3600}, "remind_after is a timedelta, as timedelta(hours=1), not 3600"),
        ({"remind_after": timedelta(0)}, "remind_after is a timedelta above zero"),
        ({"remind_after": 2 * HOUR, "expires_after": HOUR}, "remind_after would come after the approval has expired"),
        ({"escalate": [(3600, FINANCE)]}, "escalate is a timedelta"),
        ({"escalate": [(HOUR, "boss")]}, "escalate is groups(...), users(...)"),
        ({"escalate": [FINANCE]}, "escalate takes pairs"),
        ({"escalate": (HOUR, FINANCE)}, "escalate takes pairs"),
        ({"escalate": [(HOUR, FINANCE)], "expires_after": HOUR}, "escalate would come after"),
        ({"expires_after": 3}, "expires_after is a timedelta"),
        ({"expires_after": -HOUR}, "expires_after is a timedelta above zero"),
        ({"on_expiry": Reject()}, "on_expiry needs expires_after"),
        ({"on_expiry": "reject", "expires_after": HOUR}, 'on_expiry is a decision, as Reject(), or "cancel_run"'),
        ({"notify": "#refunds"}, "notify takes a list"),
        ({"notify": [3]}, "notify takes texts, not 3"),
        ({"remember": "run"}, "remember takes a list"),
        ({"remember": ["ever"]}, "remember takes run, conversation, user, not 'ever'"),
    ],
)
async def test_an_option_that_cannot_be_meant_is_refused_by_name(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidAgent) as refused:
        ask(**options)
    assert told in str(refused.value)
    assert str(refused.value).startswith("ask: ")


@pytest.mark.parametrize("decision", [Approve(), Edit({"order": "7"}), Reject("late"), Respond("no"), "cancel_run"])
async def test_any_decision_may_stand_for_no_answer(decision: Any) -> None:
    assert (await approval(ask(expires_after=HOUR, on_expiry=decision))).on_expiry == decision


async def test_operators_and_those_who_come_later_count_among_who_may_approve() -> None:
    assert (await approval(ask(approvers=groups(), operators_may_decide=True))).approvers == Approvers()
    later = ask(approvers=users("ada"), required_approvals=2, escalate=[(HOUR, users("bob"))])
    assert (await approval(later)).required_approvals == 2


# ── other policies ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_denial_needs_a_reason_that_the_model_can_read() -> None:
    assert await verdict(deny("Closed on Sundays.")) == Deny("Closed on Sundays.")
    assert await verdict(allow()) == Allow()
    with pytest.raises(InvalidAgent, match="reason is text"):
        deny(None)  # type: ignore[arg-type]


class Odd(Policy):
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def evaluate(self, *_: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [(TimeoutError("rules are away"), "rules are away"), (True, "not with True"), (None, "not with")],
)
async def test_a_policy_of_ones_own_that_cannot_decide_leaves_it_to_operators(answer: Any, told: str) -> None:
    """Nobody knows whom it would have asked, so that none of the application's people are let in."""
    asked = await approval(Named(Odd(answer), "mine"))
    assert told in asked.summary
    assert (asked.policy, asked.approvers, asked.operators_may_decide) == ("mine", Approvers(), True)
