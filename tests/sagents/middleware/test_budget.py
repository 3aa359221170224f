"""A run or a conversation may use so much, and no more unless people let it."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import (
    Agent,
    Approve,
    FailRun,
    HookContext,
    InvalidAgent,
    Message,
    Middleware,
    Outcome,
    RaiseInterrupt,
    Reject,
    State,
    TokenUsage,
    ToolCall,
    ask,
    tool,
    users,
)
from sagents.middleware import Budget
from sagents.ports import DeltaSink, ModelRequest
from sagents.spending import Spent
from sagents.testing import ScriptedModel, calls, calls_raw, says, talk

pytestmark = pytest.mark.asyncio


@tool
def look(at: str) -> str:
    """Look at something."""
    return f"{at} is blue"


@tool(approval=ask())
def buy(what: str) -> str:
    """Buy something."""
    return f"{what} is yours"


def agent(*budgets: Middleware, **options: Any) -> Agent:
    return Agent(model="test:any", tools=[look, buy], middleware=budgets, default_middleware=False, **options)


def looking(times: int) -> list[Any]:
    return [calls(look, at=str(n)) for n in range(times)]


class Counted:
    """Replies that took so many tokens each, as their provider says."""

    def __init__(self, *usages: tuple[int, int], name: str = "test:dear", said: str = "") -> None:
        self.name, self.said, self.usages = name, said, list(usages)

    async def ask(self, _request: ModelRequest, _on_delta: DeltaSink) -> Message:
        read, written = self.usages.pop(0)
        wanted = (ToolCall(call_id="c", name="look", arguments={"at": "it"}),) if self.usages else ()
        stamp = {"provider": {"model_name": self.said}} if self.said else {}
        usage = TokenUsage(input=read, output=written)
        return Message.assistant("So.", tool_calls=wanted, usage=usage, metadata=stamp)


def only(outcome: Outcome) -> dict[str, Any]:
    """The data of the one question that is open."""
    assert len(outcome.interrupts) == 1
    assert outcome.interrupts[0].reason == "budget"
    return dict(outcome.interrupts[0].data)


def spent(outcome: Outcome) -> Spent:
    """What the state keeps of the run's budget."""
    found = Spent.read(outcome.state.metadata["budget_run"])
    assert found is not None
    return found


async def test_under_its_limits_a_run_hears_nothing_of_them() -> None:
    model = ScriptedModel(*looking(2), says("Blue."))
    outcome = await talk(agent(Budget(tokens=10_000, model_calls=3, tool_calls=3)), model, "Look")
    assert (outcome.kind, outcome.text) == ("finished", "Blue.")


async def test_at_the_limit_people_are_asked_before_the_model_is_asked_again() -> None:
    model = ScriptedModel(*looking(2))
    outcome = await talk(agent(Budget(model_calls=2)), model, "Look")
    assert only(outcome) == {
        "type": "budget",
        "budget": "budget_run",
        "per": "run",
        "reached": ["model_calls"],
        "used": {"model_calls": 2},
        "limit": {"model_calls": 2},
    }
    interrupt = outcome.interrupts[0]
    assert interrupt.message == "The budget of this run is used up: 2 of 2 model calls."
    assert interrupt.allowed_decisions == ("approve", "reject")
    assert len(model.requests) == 2


async def test_approve_gives_as_much_again() -> None:
    model = ScriptedModel(*looking(4))
    outcome = await talk(agent(Budget(model_calls=2)), model, "Look", answers=(Approve(),))
    assert only(outcome)["limit"] == {"model_calls": 4}
    assert only(outcome)["used"] == {"model_calls": 4}


async def test_approve_extends_by_what_it_says() -> None:
    model = ScriptedModel(*looking(3))
    outcome = await talk(agent(Budget(model_calls=2)), model, "Look", answers=(Approve(extend={"model_calls": 1}),))
    assert only(outcome)["limit"] == {"model_calls": 3}


async def test_a_reply_that_went_far_beyond_the_limit_is_made_up_for_by_one_approve() -> None:
    many = calls(look, at="1") & calls(look, at="2") & calls(look, at="3") & calls(look, at="4") & calls(look, at="5")
    model = ScriptedModel(many, says("All blue."))
    outcome = await talk(agent(Budget(tool_calls=2)), model, "Look", answers=(Approve(),))
    assert outcome.text == "All blue."
    assert spent(outcome).extended == {"tool_calls": 4}


async def test_reject_ends_the_run_with_a_clear_error() -> None:
    model = ScriptedModel(*looking(1))
    outcome = await talk(agent(Budget(model_calls=1)), model, "Look", answers=(Reject("enough"),))
    assert outcome.kind == "failed"
    assert outcome.error is not None
    assert outcome.error.type == "budget_exceeded"
    assert outcome.error.message == "The budget of this run is used up: 1 of 1 model calls. More was declined. enough"


async def test_a_run_may_end_at_its_limit_without_asking() -> None:
    model = ScriptedModel(*looking(1))
    outcome = await talk(agent(Budget(model_calls=1, at_limit="fail")), model, "Look")
    assert outcome.interrupts == ()
    assert outcome.error is not None
    assert outcome.error.type == "budget_exceeded"


async def test_an_extension_of_something_else_is_refused_and_the_question_stays() -> None:
    amounts: tuple[JsonValue, ...] = (0, -1, 1.5, True, "many", None)
    wrong: list[dict[str, JsonValue]] = [{"tokens": 5}, *[{"model_calls": amount} for amount in amounts]]
    for extend in wrong:
        model = ScriptedModel(*looking(1))
        outcome = await talk(agent(Budget(model_calls=1)), model, "Look", answers=(Approve(extend=extend),))
        assert only(outcome)["limit"] == {"model_calls": 1}
        assert outcome.interrupts[0].problem is not None, extend


async def test_each_run_has_a_budget_of_its_own() -> None:
    model = ScriptedModel(*looking(1), says("One."), *looking(1), says("Two."))
    outcome = await talk(agent(Budget(model_calls=2)), model, "Look", "And again")
    assert outcome.text == "Two."
    assert spent(outcome).model_calls == 2


async def test_a_conversation_has_one_budget_for_all_its_runs() -> None:
    model = ScriptedModel(*looking(1), says("One."), *looking(1))
    outcome = await talk(agent(Budget(model_calls=3, per="conversation")), model, "Look", "And again")
    assert only(outcome)["used"] == {"model_calls": 3}
    assert outcome.interrupts[0].message == "The budget of this conversation is used up: 3 of 3 model calls."


async def test_after_a_refusal_the_next_run_of_a_conversation_asks_anew() -> None:
    budget = Budget(model_calls=1, per="conversation")
    refused = await talk(agent(budget), ScriptedModel(*looking(1)), "Look", answers=(Reject(),))
    assert refused.kind == "failed"
    outcome = await talk(agent(budget), ScriptedModel(), "Again", state=refused.state)
    assert only(outcome)["used"] == {"model_calls": 1}


async def test_a_conversation_that_began_without_a_budget_is_counted_by_its_messages() -> None:
    past = State(messages=(Message.user("Hi"), Message.assistant("Hello", usage=TokenUsage(input=60, output=40))))
    outcome = await talk(agent(Budget(tokens=100, per="conversation")), ScriptedModel(), "Look", state=past)
    assert only(outcome)["used"] == {"tokens": 100}


async def test_tokens_are_those_that_providers_count() -> None:
    model = Counted((900, 50), (1000, 60), (1, 1))
    outcome = await agent(Budget(tokens=2_000)).execute("Look")
    assert outcome.kind == "failed", "nobody knows test:any"
    outcome = await Agent(model=model, tools=[look], middleware=[Budget(tokens=2_000)]).execute("Look")
    assert only(outcome)["used"] == {"tokens": 2_010}


async def test_what_was_spent_stays_spent_when_the_messages_that_tell_of_it_are_cut() -> None:
    """B-58: a summary takes their place."""

    class Shortens(Middleware):
        def before_model(self, state: State, context: HookContext, /) -> State:
            return state.cut_messages(len(state.messages), (Message.user("They looked."),))

    model = Counted((900, 100), (900, 50), (50, 0), (1, 1))
    outcome = await Agent(model=model, tools=[look], middleware=[Shortens(), Budget(tokens=2_000)]).execute("Look")
    assert only(outcome)["used"] == {"tokens": 2_000}


async def test_money_is_what_the_model_that_replied_costs() -> None:
    prices = {"test:dear": (3.0, 15.0), "test:cheap": (1.0, 2.0)}
    budget = Budget(money=0.01, prices=prices)
    dear = await Agent(model=Counted((2_000, 400), (0, 0)), tools=[look], middleware=[budget]).execute("Look")
    assert only(dear)["used"] == {"money": 0.012}
    assert dear.interrupts[0].message == "The budget of this run is used up: 0.01 of 0.01."
    fallback = Counted((2_000, 400), (0, 0), said="cheap")
    cheap = await Agent(model=fallback, tools=[look], middleware=[budget]).execute("Look")
    assert cheap.kind == "finished"


async def test_of_a_model_without_a_price_the_dearest_counts() -> None:
    budget = Budget(money=0.01, prices={"test:dear": (3.0, 15.0), "test:cheap": (1.0, 2.0)})
    unknown = Counted((2_000, 400), (0, 0), name="test:new")
    assert only(await Agent(model=unknown, tools=[look], middleware=[budget]).execute("Look"))["used"] == {
        "money": 0.012
    }


async def test_a_dated_version_of_the_model_has_its_price() -> None:
    budget = Budget(money=1, prices={"test:dear": (3.0, 15.0), "test:other": (30.0, 15.0)})
    model = Counted((1_000_000, 0), (0, 0), said="dear-20250929")
    assert only(await Agent(model=model, tools=[look], middleware=[budget]).execute("Look"))["used"] == {"money": 3.0}


async def test_the_budget_stands_still_while_people_decide() -> None:
    model, budget = ScriptedModel(calls(buy, what="a boat")), Budget(model_calls=2, tool_calls=2)
    waiting = await talk(agent(budget), model, "Buy")
    assert spent(waiting).model_calls == 1
    model, declined = ScriptedModel(calls(buy, what="a boat"), says("Done.")), Reject("no boats")
    outcome = await talk(agent(budget), model, "Buy", answers=(declined,))
    assert (spent(outcome).model_calls, spent(outcome).tool_calls) == (2, 1)


async def test_calls_that_no_tool_answers_count_too() -> None:
    model = ScriptedModel(calls_raw("nothing"), calls_raw("nothing"))
    outcome = await talk(agent(Budget(tool_calls=2)), model, "Go")
    assert only(outcome)["used"] == {"tool_calls": 2}


async def test_two_budgets_ask_one_after_the_other() -> None:
    budgets = (Budget(model_calls=1), Budget(tool_calls=1, per="conversation"))
    model = ScriptedModel(*looking(1), says("Blue."))
    asked = await talk(agent(*budgets), ScriptedModel(*looking(1)), "Look", answers=(Approve(),))
    assert only(asked)["budget"] == "budget_conversation"
    outcome = await talk(agent(*budgets), model, "Look", answers=(Approve(), Approve()))
    assert outcome.text == "Blue."


async def test_who_may_extend_it_is_said_by_its_terms() -> None:
    budget = Budget(model_calls=1, approvers=users("mia"), expires_after=timedelta(hours=1))
    outcome = await talk(agent(budget), ScriptedModel(*looking(1)), "Look")
    assert (outcome.interrupts[0].approvers, outcome.interrupts[0].expires_after) == (
        users("mia"),
        timedelta(hours=1),
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "limits nothing"),
        ({"tokens": 0}, "above zero"),
        ({"tokens": 1.5}, "whole number"),
        ({"model_calls": True}, "whole number"),
        ({"money": 1}, "needs prices"),
        ({"tokens": 1, "prices": {"m": (1, 2)}}, "needs prices"),
        ({"money": 1, "prices": {"m": 3}}, "prices are as"),
        ({"money": float("nan"), "prices": {"m": (1, 2)}}, "above zero"),
        ({"tokens": 1, "per": "day"}, "per is"),
        ({"tokens": 1, "at_limit": "stop"}, "at_limit is"),
        ({"tokens": 1, "riks": "high"}, "riks"),
    ],
    ids=str,
)
async def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidAgent, match=words):
        Budget(**options)


async def test_a_hook_may_end_its_run_with_an_error_of_its_own() -> None:
    class Closed(Middleware):
        def before_model(self, state: State, context: HookContext, /) -> None:
            raise FailRun("closed", "We are closed on Sundays.")

    outcome = await talk(agent(Closed()), ScriptedModel(), "Look")
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("closed", "We are closed on Sundays.")


async def test_of_two_hooks_that_ask_before_a_model_call_the_second_asks_once_the_first_is_answered() -> None:
    class Asks(Middleware):
        def __init__(self, name: str) -> None:
            self.id, self.answered = name, False

        def before_model(self, state: State, context: HookContext, /) -> None:
            if not self.answered:
                raise RaiseInterrupt(self.id, reason=self.id)

        def handle_resume(self, interrupt: Any, decision: Any, state: State, context: HookContext, /) -> State | None:
            self.answered = self.answered or interrupt.reason == self.id
            return state if interrupt.reason == self.id else None

    outcome = await talk(agent(Asks("a"), Asks("b")), ScriptedModel(says("Yes.")), "Hi", answers=(Approve(), Approve()))
    assert outcome.text == "Yes."
