"""A tool that asks for a value: the form, who may fill it in on which terms, and what becomes of the answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import Agent, Escalation, Middleware, RaiseInterrupt, Reject, Respond, State, groups, tool
from sagents.answering import answer
from sagents.approvers import Approvers
from sagents.checking import check_answer
from sagents.errors import InvalidDecision
from sagents.interrupts import Interrupt, InterruptStatus, Raised
from sagents.json_schema import problem
from sagents.messages import ToolCall, ToolResult
from sagents.outcome import value_of
from sagents.pending import questions
from sagents.placeholders import placeholder, question
from sagents.plan import AgentRef, AnswerRequest, Reference
from sagents.questions import Question
from sagents.replies import WrongAnswer
from sagents.serialization import export_state, import_state
from sagents.terms import Terms
from sagents.testing import ScriptedModel, StillTime, calls, says
from sagents.user_answers import told

WHICH: dict[str, JsonValue] = {
    "question": "Which one?",
    "response_type": "single_select",
    "options": [{"label": value, "value": value} for value in ("pg", "mongo", "redis")],
}
NOW = datetime(2025, 1, 1, tzinfo=UTC)
ADDRESS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"street": {"type": "string", "minLength": 1}, "zip": {"type": "integer"}},
    "required": ["street", "zip"],
}
TERMS: dict[str, Any] = {
    "approvers": groups("shipping"),
    "self_approval": False,
    "risk": "low",
    "expires_after": timedelta(days=3),
    "on_expiry": Respond({"street": "Depot", "zip": 1}),
    "remind_after": timedelta(hours=4),
    "escalate": (Escalation(after=timedelta(days=1), to=groups("bosses")),),
    "notify": ("#shipping",),
}


@tool
def ship(order: str) -> str:
    """Ship an order."""
    raise RaiseInterrupt("Where to?", response_schema=ADDRESS, data={"order": order}, **TERMS)


class Claims(Middleware):
    """Says that questions survive a restart."""

    def restorable_interrupt(self, data: Any, /) -> bool:
        return True


def desk(*replies: Any) -> Agent:
    return Agent(model=ScriptedModel(*replies), tools=[ship], agent_id="desk-1", middleware=[Claims()])


def one_of(**changes: Any) -> Question:
    return Question.model_validate({**WHICH, **changes})


def results(state: State) -> list[ToolResult]:
    return [result for message in state.messages for result in message.tool_results]


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.asyncio
async def test_the_answer_is_the_tool_s_result_for_models_and_for_programs(stored: bool) -> None:
    """B-18, B-87: also after a restart, as the placeholder carries the form."""
    agent = desk(calls(ship, order="7"), says("On its way."))
    state = (await agent.execute("Ship order 7")).state
    if stored:
        state = import_state("desk-1", export_state(state, serialized_at=NOW), agent.stack)
    outcome = await agent.resume(state, Respond({"street": "Main St", "zip": 12345}))
    (result,) = results(outcome.state)
    assert result.text == '{"street":"Main St","zip":12345}'
    assert value_of(result) == {"street": "Main St", "zip": 12345}
    assert outcome.text == "On its way."


@pytest.mark.parametrize(
    ("content", "pointer"),
    [({"street": "", "zip": 1}, "/content/street"), ({"street": "Main St"}, "/content"), ("no", "/content")],
)
@pytest.mark.asyncio
async def test_an_answer_that_does_not_fit_is_refused_with_a_pointer(content: JsonValue, pointer: str) -> None:
    """B-93: the question stays as it was."""
    agent = desk(calls(ship, order="7"), says("On its way."))
    state = (await agent.execute("Ship order 7")).state
    with pytest.raises(InvalidDecision, match="does not fit") as refused:
        await agent.resume(state, Respond(content))
    assert refused.value.pointer == pointer
    assert (await agent.resume(state, Reject("cannot say"))).text == "On its way."


def test_only_an_answer_is_looked_at() -> None:
    """Whether a person refuses to answer, no schema says."""
    interrupt = Interrupt(id="i", reason="input_required", response_schema=ADDRESS)
    check_answer(interrupt, Reject())
    check_answer(interrupt.but(response_schema=None), Respond("anything"))
    with pytest.raises(WrongAnswer):
        check_answer(interrupt, Respond("anything"))


@pytest.mark.asyncio
async def test_the_question_has_its_terms_also_when_it_is_read_back_from_a_state() -> None:
    """B-18: who may answer, until when, and what happens then, from nothing but the conversation."""
    agent = desk(calls(ship, order="7"))
    outcome = await agent.execute("Ship order 7")
    (asked,) = outcome.interrupts
    state = import_state("desk-1", export_state(outcome.state, serialized_at=NOW), agent.stack)
    (read,) = questions(state)
    for interrupt in (asked, read):
        assert {name: getattr(interrupt, name) for name in TERMS} == TERMS
        assert interrupt.allowed_decisions == ("respond", "reject")
        assert (interrupt.response_schema, interrupt.data) == (ADDRESS, {"order": "7"})
    assert (read.id, read.reason, read.message, read.tool) == (asked.id, asked.reason, asked.message, asked.tool)


@pytest.mark.parametrize("terms", ["none", {"approvers": 5}, {"required_approvals": 0}, {"expires_after": "soon"}])
def test_a_question_whose_terms_cannot_be_read_lets_nobody_in(terms: JsonValue) -> None:
    """Better no answer than one of somebody who was not asked; a new message still goes on."""
    data: dict[str, JsonValue] = {"reason": "input_required", "terms": terms}
    interrupt = question(ToolResult(tool_call_id="c", is_interrupt=True, interrupt_data=data))
    assert interrupt.approvers == Approvers()
    assert not interrupt.operators_may_decide


def test_a_question_of_usual_terms_carries_none() -> None:
    """What is said of every question need not be kept with each."""
    data = placeholder(ToolCall(call_id="c", name="t"), Raised(message="Go on?")).interrupt_data or {}
    assert "terms" not in data
    read = question(ToolResult(tool_call_id="c", is_interrupt=True, interrupt_data=data))
    assert read.terms == Raised().terms
    assert read.terms != Terms().terms


@pytest.mark.parametrize(
    "options",
    [
        {"required_approvals": 0},
        {"expires_after": "soon"},
        {"allowed_decisions": ["shrug"]},
        {"allowed_decisions": []},
        {"on_expiry": "forget"},
        {"reason": "tool_call"},
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_raised(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"RaiseInterrupt|approvals"):
        RaiseInterrupt("Go on?", **options)


def test_a_misspelt_option_is_refused() -> None:
    misspelt: dict[str, Any] = {"expires": timedelta(days=1)}
    with pytest.raises(TypeError, match="'expires'"):
        RaiseInterrupt("Go on?", **misspelt)


@pytest.mark.asyncio
async def test_a_default_is_told_as_what_nobody_said() -> None:
    """The model never reads that a person has answered."""
    agent = desk(calls(ship, order="7"))
    outcome = await agent.execute("Ship order 7")
    default = Respond({"street": "Depot", "zip": 1})
    expired = outcome.interrupts[0].but(status=InterruptStatus.EXPIRED, decision=default)
    request = AnswerRequest(
        agent=AgentRef(agent_id="desk-1"), reference=Reference(), run_id="r", interrupt=expired, decision=default
    )
    (operation,) = (await answer(agent, outcome.state, request, StillTime().surroundings())).operations
    assert operation.op == "replace_tool_result"
    assert operation.result.text == 'Nobody answered in time, so the default counts: {"street":"Depot","zip":1}'


@pytest.mark.parametrize(
    ("asking", "good", "bad"),
    [
        (one_of(), {"selected": ["pg"]}, {"selected": ["pg", "mongo"]}),
        (one_of(allow_other=True), {"selected": ["other"], "other_text": "SQLite"}, {"selected": []}),
        (one_of(response_type="multi_select"), {"selected": ["pg", "redis"]}, {"selected": ["other"]}),
        (one_of(response_type="freeform", options=()), {"other_text": "Fast."}, {"other_text": ""}),
    ],
)
def test_the_schema_of_an_answer_agrees_with_the_rules(asking: Question, good: JsonValue, bad: JsonValue) -> None:
    """B-92, B-93: for pages that make forms of schemas."""
    assert problem(asking.response_schema, good) is None
    assert told(asking, Respond(good))
    assert problem(asking.response_schema, bad) is not None
    with pytest.raises(WrongAnswer):
        told(asking, Respond(bad))
