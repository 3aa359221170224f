"""A run or a conversation may use so much; at the limit people are asked for more, or it ends."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Unpack

from pydantic import JsonValue

from sagents.budget_options import AtLimit, Per, check_options, checked_limits, checked_prices, is_amount
from sagents.decisions import Approve, Decision
from sagents.errors import InvalidAgent
from sagents.hooks import HookContext, Middleware
from sagents.interrupts import Interrupt
from sagents.messages import Role
from sagents.replies import FailRun, RaiseInterrupt, TermOptions, WrongAnswer
from sagents.spending import Price, Spent, counted, priced
from sagents.state import State

BUDGET = "budget"
"""The reason of such an interrupt, and the type in its data."""

EXCEEDED = "budget_exceeded"
"""The type of the error of a run that ends at a limit."""


class Budget(Middleware):
    """Before each model call looks whether a limit is reached: on tokens, model calls, tool calls or money.

    `Budget(tokens=200_000)` is for a run, `Budget(money=5, prices={"anthropic:…": (3, 15)}, per="conversation")` for
    all runs together; prices are those of a million tokens read and written. At the limit people are asked, under the
    `terms` (`approvers`, `expires_after`, …), or with `at_limit="fail"` the run ends with the error `budget_exceeded`.

    `Approve()` gives as much again, `Approve(extend={"tokens": 50_000})` just that; `Reject()` ends the run.
    """

    def __init__(
        self,
        tokens: int | None = None,
        model_calls: int | None = None,
        tool_calls: int | None = None,
        money: float | None = None,
        prices: Mapping[str, Price] | None = None,
        per: Per = "run",
        at_limit: AtLimit = "ask",
        *,
        id: str | None = None,
        **terms: Unpack[TermOptions],
    ) -> None:
        given = {"tokens": tokens, "model_calls": model_calls, "tool_calls": tool_calls, "money": money}
        self.limits, self.prices = checked_limits(given), checked_prices(prices)
        check_options(self.limits, self.prices, per, at_limit)
        try:
            RaiseInterrupt(reason=BUDGET, **terms)
        except (TypeError, ValueError) as error:
            raise InvalidAgent(f"Budget: {error}") from None
        self.per, self.at_limit, self.terms = per, at_limit, terms
        self.id = id or f"{BUDGET}_{per}"

    def before_run(self, state: State, context: HookContext, /) -> State | None:
        """Each run has a budget of its own, or asks anew for that of the conversation."""
        if self.id not in state.metadata:
            return None
        if self.per == "run":
            return state.drop_metadata(self.id)
        return self._keeping(state, self._spent(state, context).but(refused=None))

    def before_model(self, state: State, context: HookContext, /) -> None:
        spent = self._spent(state, context)
        reached = self._reached(spent)
        if spent.refused is not None:
            raise FailRun(EXCEEDED, f"{self._told(spent, reached)} More was declined. {spent.refused}".strip())
        if not reached:
            return
        if self.at_limit == "fail":
            raise FailRun(EXCEEDED, self._told(spent, reached))
        raise RaiseInterrupt(
            self._told(spent, reached),
            reason=BUDGET,
            data=self._data(spent, reached),
            allowed_decisions=("approve", "reject"),
            **self.terms,
        )

    def after_model(self, state: State, context: HookContext, /) -> State | None:
        places = [place for place, message in enumerate(state.messages) if message.role is Role.ASSISTANT]
        if not places:
            return None
        last = places[-1]
        reply, before = state.messages[last], self._spent(state.but(messages=state.messages[:last]), context)
        return self._keeping(state, before.with_reply(reply, priced(reply, self.prices, context.model)))

    def handle_resume(
        self, interrupt: Interrupt, decision: Decision, state: State, context: HookContext, /
    ) -> State | None:
        """The higher limit, or the refusal with which the next step ends the run."""
        if interrupt.reason != BUDGET or interrupt.data.get("budget") != self.id:
            return None
        spent = self._spent(state, context)
        if isinstance(decision, Approve):
            more = self._again(spent) if decision.extend is None else self._asked_for(decision.extend)
            return self._keeping(state, spent.with_more(more))
        return self._keeping(state, spent.but(refused=getattr(decision, "reason", None) or ""))

    def debug_summary(self) -> JsonValue:
        limits: dict[str, JsonValue] = dict(self.limits)
        return {"limits": limits, "per": self.per, "at_limit": self.at_limit}

    def _spent(self, state: State, context: HookContext) -> Spent:
        """Of a conversation that began without a budget its messages tell."""
        kept = Spent.read(state.metadata[self.id]) if self.id in state.metadata else None
        if kept is not None:
            return kept
        return Spent() if self.per == "run" else counted(state.messages, self.prices, context.model)

    def _keeping(self, state: State, spent: Spent) -> State:
        return state.put_metadata(self.id, spent.kept)

    def _limit_now(self, kind: str, spent: Spent) -> float:
        return self.limits[kind] + spent.extended.get(kind, 0)

    def _reached(self, spent: Spent) -> list[str]:
        used = spent.used(self.prices)
        return [kind for kind in self.limits if used[kind] >= self._limit_now(kind, spent)]

    def _again(self, spent: Spent) -> dict[str, float]:
        """The original limit once more for each that is reached; several times where a reply went far beyond it."""
        used = spent.used(self.prices)
        over = {kind: used[kind] - self._limit_now(kind, spent) for kind in self._reached(spent)}
        return {kind: (floor(much / self.limits[kind]) + 1) * self.limits[kind] for kind, much in over.items()}

    def _asked_for(self, extend: Mapping[str, JsonValue]) -> dict[str, float]:
        for kind, amount in extend.items():
            if kind not in self.limits:
                known = ", ".join(self.limits)
                raise WrongAnswer(f"This budget has no limit on {kind!r}; it has {known}.", pointer=f"/extend/{kind}")
            if not is_amount(kind, amount):
                raise WrongAnswer(
                    f"{kind} is extended by a number above zero, not {amount!r}.", pointer=f"/extend/{kind}"
                )
        return {kind: amount for kind, amount in extend.items() if isinstance(amount, int | float)}

    def _data(self, spent: Spent, reached: list[str]) -> dict[str, JsonValue]:
        used = spent.used(self.prices)
        return {
            "type": BUDGET,
            "budget": self.id,
            "per": self.per,
            "reached": list(reached),
            "used": {kind: used[kind] for kind in self.limits},
            "limit": {kind: self._limit_now(kind, spent) for kind in self.limits},
        }

    def _told(self, spent: Spent, reached: list[str]) -> str:
        used = spent.used(self.prices)
        parts = [_shown(kind, used[kind], self._limit_now(kind, spent)) for kind in reached]
        return f"The budget of this {self.per} is used up: {', '.join(parts)}."


def _shown(kind: str, used: float, limit: float) -> str:
    if kind == "money":
        return f"{used:,.2f} of {limit:,.2f}"
    return f"{used:,} of {limit:,} {kind.replace('_', ' ')}"
