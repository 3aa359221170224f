"""The agent asks its user: what may be asked, how it is answered, and what the model and people read of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import (
    Agent,
    Approve,
    CannotResume,
    Decision,
    Edit,
    HookContext,
    Interrupt,
    InvalidAgent,
    Message,
    Model,
    Reject,
    Respond,
    State,
    ask,
    inprocess,
    tool,
)
from sagents.answering import answer
from sagents.checking import check_answer
from sagents.commands import Answering
from sagents.contract import parse_decide, parse_resume
from sagents.errors import InvalidDecision, InvalidInput
from sagents.interrupts import InterruptStatus
from sagents.messages import ToolResult
from sagents.middleware.ask_user import AskUserQuestion
from sagents.outcome import Outcome
from sagents.plan import AgentRef, AnswerRequest, Reference
from sagents.questions import Question
from sagents.replies import WrongAnswer
from sagents.serialization import export_state, import_state
from sagents.testing import Reply, ScriptedModel, StillTime, calls, calls_raw, says, talk
from sagents.user_answers import CANCELLED, shown, told

NOW = datetime(2025, 1, 1, tzinfo=UTC)
DATABASES: list[JsonValue] = [
    {"label": "PostgreSQL", "value": "pg", "description": "Relational"},
    {"label": "MongoDB", "value": "mongo"},
    {"label": "Redis", "value": "redis"},
]
WHICH: dict[str, JsonValue] = {"question": "Which one?", "response_type": "single_select", "options": DATABASES}


@tool(approval=ask())
def refund(order: str) -> str:
    """Refund an order."""
    return f"refunded {order}"


def asks(**arguments: JsonValue) -> Reply:
    return calls_raw("ask_user", {**WHICH, **arguments})


def desk(model: Model, middleware: AskUserQuestion | None = None) -> Agent:
    return Agent(model=model, tools=[refund], agent_id="desk-1", middleware=[middleware or AskUserQuestion()])


def results(state: State) -> list[ToolResult]:
    return [result for message in state.messages for result in message.tool_results]


def question(**changes: Any) -> Question:
    return Question.model_validate({**WHICH, **changes})


def chooses(*values: JsonValue, **more: JsonValue) -> Respond:
    return Respond({"selected": list(values), **more})


async def asked(*replies: Reply) -> tuple[Agent, Outcome, ScriptedModel]:
    model = ScriptedModel(*replies)
    agent = desk(model)
    return agent, await agent.execute("Set it up"), model


# ── configuration (B-90) ─────────────────────────────────────────────────────────────────────────────────────────


def parameters(middleware: AskUserQuestion) -> Any:
    (made,) = middleware.tools(HookContext())
    return made.spec().parameters


def test_the_model_may_use_all_types_and_both_flags_by_default() -> None:
    """B-90, B-91."""
    schema = parameters(AskUserQuestion())
    assert schema["properties"]["response_type"]["enum"] == ["single_select", "multi_select", "freeform"]
    assert {"allow_other", "allow_cancel", "context", "options"} <= schema["properties"].keys()
    assert schema["required"] == ["question", "response_type"]


def test_what_is_forced_is_not_in_the_schema_nor_in_the_prompt() -> None:
    """B-90."""
    middleware = AskUserQuestion(response_types=["freeform"], allow_other=False, allow_cancel=True)
    schema, prompt = parameters(middleware), middleware.system_prompt(HookContext())
    assert schema["properties"]["response_type"]["enum"] == ["freeform"]
    assert not {"allow_other", "allow_cancel"} & schema["properties"].keys()
    assert not any(word in prompt for word in ("allow_other", "allow_cancel", "multi_select"))
    assert "allow_cancel" in AskUserQuestion().system_prompt(HookContext())


@pytest.mark.parametrize(
    "options",
    [
        {"response_types": ["essay"]},
        {"response_types": []},
        {"allow_other": "yes"},
        {"allow_cancel": 1},
        {"expires_after": "soon"},
        {"deadline": 5},
    ],
)
def test_what_cannot_be_meant_is_refused_when_the_middleware_is_made(options: dict[str, Any]) -> None:
    """B-90."""
    with pytest.raises(InvalidAgent):
        AskUserQuestion(**options)


@pytest.mark.asyncio
async def test_what_is_forced_holds_whatever_the_model_says() -> None:
    """B-90."""
    model = ScriptedModel(asks(allow_other=False, allow_cancel=True))
    outcome = await desk(model, AskUserQuestion(allow_other=True, allow_cancel=False)).execute("Set it up")
    (interrupt,) = outcome.interrupts
    assert (interrupt.data["allow_other"], interrupt.data["allow_cancel"]) == (True, False)
    assert interrupt.allowed_decisions == ("respond",)


# ── asking (B-91, B-92) ──────────────────────────────────────────────────────────────────────────────────────────

MALFORMED: list[tuple[dict[str, JsonValue], str]] = [
    ({"question": ""}, "Question must be a non-empty string"),
    ({"question": 5}, "Question must be a non-empty string"),
    ({"response_type": "essay"}, "Invalid response_type: essay"),
    ({"response_type": "freeform", "options": []}, "Response type 'freeform' is not enabled"),
    ({"options": DATABASES[:1]}, "single_select requires at least 2 options, got 1"),
    ({"options": None}, "single_select requires at least 2 options, got 0"),
    ({"options": "many"}, "Options must be an array for single_select"),
    (
        {"response_type": "multi_select", "options": [{"label": str(n), "value": str(n)} for n in range(11)]},
        "multi_select allows at most 10 options, got 11",
    ),
    ({"options": [{"label": "", "value": "a"}, DATABASES[0]]}, "Each option must have a non-empty 'label'"),
    ({"options": [{"label": "A"}, DATABASES[0]]}, "Each option must have a non-empty 'value'"),
    ({"options": ["A", "B"]}, "Each option must have a non-empty 'label'"),
    ({"options": [DATABASES[0], DATABASES[1], DATABASES[0]]}, "Duplicate option value: pg"),
]


@pytest.mark.parametrize(("arguments", "text"), MALFORMED)
@pytest.mark.asyncio
async def test_a_malformed_question_is_an_error_for_the_model(arguments: dict[str, JsonValue], text: str) -> None:
    """B-91."""
    model = ScriptedModel(asks(**arguments), says("Then I choose."))
    agent = desk(model, AskUserQuestion(["single_select", "multi_select"]))
    outcome = await agent.execute("Set it up")
    (result,) = results(outcome.state)
    assert (outcome.kind, result.is_error) == ("finished", True)
    assert text in result.text
    model.done()


@pytest.mark.asyncio
async def test_a_question_without_its_text_and_a_freeform_one_with_options_are_errors_for_the_model() -> None:
    """B-91."""
    freeform = asks(response_type="freeform")
    model = ScriptedModel(calls_raw("ask_user", {"response_type": "freeform"}), freeform, says("I give up."))
    outcome = await desk(model).execute("Set it up")
    missing, with_options = results(outcome.state)
    assert "question: required, but missing" in missing.text
    assert "freeform questions must not have options" in with_options.text


@pytest.mark.asyncio
async def test_the_interrupt_carries_all_that_a_page_needs() -> None:
    """B-92; a page finds the same in the conversation, with the id of the call."""
    _, outcome, _ = await asked(asks(context="For users.", allow_other=True))
    (interrupt,) = outcome.interrupts
    expected = {
        "type": "ask_user_question",
        "question": "Which one?",
        "response_type": "single_select",
        "options": [
            {"label": "PostgreSQL", "value": "pg", "description": "Relational"},
            {"label": "MongoDB", "value": "mongo", "description": None},
            {"label": "Redis", "value": "redis", "description": None},
        ],
        "allow_other": True,
        "allow_cancel": True,
        "context": "For users.",
    }
    assert interrupt.data == expected
    assert (interrupt.reason, interrupt.message, interrupt.tool) == ("input_required", "Which one?", "ask_user")
    assert interrupt.allowed_decisions == ("respond", "reject")
    data = results(outcome.state)[0].interrupt_data or {}
    assert expected.items() <= data.items()
    assert data["tool_call_id"] == interrupt.tool_call_id


# ── answers (B-93, E-83) ─────────────────────────────────────────────────────────────────────────────────────────

REAL_OTHER = [*DATABASES, {"label": "Another", "value": "other"}]
FREEFORM = {"response_type": "freeform", "options": []}

ANSWERS: list[tuple[dict[str, Any], Decision, str, str]] = [
    ({}, chooses("pg"), "User selected: pg", "PostgreSQL"),
    ({}, chooses("pg", other_text=""), "User selected: pg", "PostgreSQL"),
    (
        {},
        chooses("pg", other_text="Use jsonb"),
        'User selected: pg\nAdditional input: "Use jsonb"',
        "PostgreSQL, Other: Use jsonb",
    ),
    (
        {"allow_other": True},
        chooses("other", other_text="SQLite"),
        'User selected: other\nAdditional input: "SQLite"',
        "Other: SQLite",
    ),
    ({"allow_other": True}, chooses("other"), "User selected: other", "Other:"),
    ({"options": REAL_OTHER}, chooses("other"), "User selected: other", "Another"),
    (
        {"response_type": "multi_select"},
        chooses("pg", "redis"),
        "User selected: pg, redis",
        "PostgreSQL, Redis",
    ),
    ({"response_type": "multi_select"}, chooses("pg", "pg"), "User selected: pg, pg", "PostgreSQL, PostgreSQL"),
    (
        {"response_type": "multi_select", "allow_other": True},
        chooses("pg", "other", other_text="SQLite"),
        'User selected: pg, other\nAdditional input: "SQLite"',
        "PostgreSQL, Other: SQLite",
    ),
    (FREEFORM, Respond({"other_text": "Fast."}), 'User responded: "Fast."', "Fast."),
    ({}, Reject(), CANCELLED, "User cancelled"),
    ({}, Reject("ask Ann"), f"{CANCELLED} Reason: ask Ann", "User cancelled"),
]


@pytest.mark.parametrize(("asking", "decision", "text", "row"), ANSWERS)
def test_an_answer_in_words(asking: dict[str, Any], decision: Decision, text: str, row: str) -> None:
    """B-93, B-95, E-83: values for the model, labels for people."""
    assert told(question(**asking), decision) == text
    assert shown(question(**asking), decision) == row


VALID = 'Valid: ["pg", "mongo", "redis"]'
WRONG: list[tuple[dict[str, Any], Decision, str, str]] = [
    ({}, Respond("pg"), "Invalid response format", "/content"),
    ({}, Respond(None), "Invalid response format", "/content"),
    ({}, Approve(), "Invalid response format", "/type"),
    ({}, Edit({"selected": ["pg"]}), "Invalid response format", "/type"),
    ({}, Respond({}), "single_select requires exactly one selection", "/content/selected"),
    ({}, Respond({"selected": "pg"}), "single_select requires exactly one selection", "/content/selected"),
    ({}, chooses(), "single_select requires exactly one selection", "/content/selected"),
    ({}, chooses("pg", "mongo"), "single_select requires exactly one selection", "/content/selected"),
    ({}, chooses("db2"), f"Selected value 'db2' is not a valid option. {VALID}", "/content/selected/0"),
    ({}, chooses("other"), "'other' is not allowed for this question", "/content/selected/0"),
    ({}, chooses("pg", other_text=7), "'other_text' must be a string", "/content/other_text"),
    (
        {"response_type": "multi_select"},
        chooses(),
        "multi_select requires at least one selection",
        "/content/selected",
    ),
    (
        {"response_type": "multi_select"},
        chooses("pg", "db2", "db3"),
        f'Invalid selections: ["db2", "db3"]. {VALID}',
        "/content/selected/1",
    ),
    (
        {"response_type": "multi_select"},
        chooses("pg", "other"),
        "'other' is not allowed for this question",
        "/content/selected/1",
    ),
    ({"response_type": "multi_select"}, chooses({"a": 1}), "Invalid selections", "/content/selected/0"),
    (FREEFORM, Respond({}), "freeform response requires 'other_text' field", "/content"),
    (FREEFORM, Respond({"other_text": " "}), "freeform response text must not be empty", "/content/other_text"),
    (FREEFORM, Respond({"other_text": ["a"]}), "'other_text' must be a string", "/content/other_text"),
    ({"allow_cancel": False}, Reject(), "Cancellation is not allowed for this question", "/type"),
]


@pytest.mark.parametrize(("asking", "decision", "text", "pointer"), WRONG)
def test_an_answer_that_breaks_the_rules_says_which_and_where(
    asking: dict[str, Any], decision: Decision, text: str, pointer: str
) -> None:
    """B-93, E-83."""
    for check in (told, shown):
        with pytest.raises(WrongAnswer) as wrong:
            check(question(**asking), decision)
        assert text in str(wrong.value)
        assert wrong.value.pointer == pointer
    with pytest.raises(WrongAnswer):
        check_answer(Interrupt(id="i", reason="input_required", data=question(**asking).data), decision)


# ── a whole conversation ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.asyncio
async def test_the_answer_is_the_tool_s_result_and_the_model_goes_on(stored: bool) -> None:
    """B-93, B-95: also after the state was stored and read again."""
    agent, outcome, model = await asked(asks(), says("PostgreSQL it is."))
    state = outcome.state
    if stored:
        state = import_state("desk-1", export_state(state, serialized_at=NOW), agent.stack)
    outcome = await agent.resume(state, chooses("pg"))
    (result,) = results(outcome.state)
    assert (result.text, result.is_error, result.is_interrupt) == ("User selected: pg", False, False)
    assert (outcome.kind, outcome.text) == ("finished", "PostgreSQL it is.")
    model.done()


@pytest.mark.asyncio
async def test_a_cancel_is_a_result_too_and_the_model_is_asked_again() -> None:
    """B-93: no error; the model reads that it is to stop."""
    model = ScriptedModel(asks(), says("I wait."))
    outcome = await talk(desk(model), model, "Set it up", answers=(Reject(),))
    (result,) = results(outcome.state)
    assert (result.text, result.is_error, outcome.text) == (CANCELLED, False, "I wait.")


@pytest.mark.asyncio
async def test_a_question_that_must_be_answered_cannot_be_cancelled() -> None:
    """B-93."""
    agent, outcome, _ = await asked(asks(allow_cancel=False))
    with pytest.raises(CannotResume, match="'reject' is not allowed for 'ask_user'"):
        await agent.resume(outcome.state, Reject())


@pytest.mark.asyncio
async def test_a_wrong_answer_changes_nothing_and_the_right_one_still_counts() -> None:
    """B-93: refused by name, with a pointer."""
    agent, outcome, model = await asked(asks(), says("Good."))
    with pytest.raises(InvalidDecision, match="'db2' is not a valid option") as refused:
        await agent.resume(outcome.state, chooses("db2"))
    assert refused.value.pointer == "/content/selected/0"
    assert refused.value.interrupt_id == outcome.interrupts[0].id
    assert (await agent.resume(outcome.state, chooses("mongo"))).text == "Good."
    model.done()


@pytest.mark.asyncio
async def test_a_wrong_answer_that_came_past_the_door_leaves_the_question_open_with_its_problem() -> None:
    """B-93: a signal has no answer that could refuse it."""
    agent, outcome, _ = await asked(asks())
    request = AnswerRequest(
        agent=AgentRef(agent_id="desk-1"),
        reference=Reference(),
        run_id="run-1",
        interrupt=outcome.interrupts[0],
        decision=chooses("db2"),
    )
    answered = await answer(agent, outcome.state, request, StillTime().surroundings())
    assert answered.error is not None
    assert answered.error.message.startswith("Selected value 'db2' is not a valid option.")
    assert answered.operations == ()


@pytest.mark.parametrize(
    ("decision", "row"),
    [
        (
            chooses("pg", other_text="15 or later"),
            {"message_type": "user", "content_type": "text", "content": {"text": "PostgreSQL, Other: 15 or later"}},
        ),
        (
            Reject(),
            {"message_type": "system", "content_type": "notification", "content": {"text": "User cancelled"}},
        ),
    ],
)
@pytest.mark.asyncio
async def test_the_answer_is_shown_in_the_transcript(decision: Decision, row: dict[str, JsonValue]) -> None:
    """B-95."""
    told_events: list[tuple[str, Any]] = []
    agent, outcome, _ = await asked(asks(), says("Good."))
    around = replace(StillTime().surroundings(), emit=lambda kind, data: told_events.append((kind, data)))
    await inprocess.resume(agent, outcome.state, [decision], around=around)
    rows = [data["row"] for kind, data in told_events if kind == "display_message_saved"]
    assert rows == [{**row, "tool_call_id": outcome.interrupts[0].tool_call_id}]


# ── several at once (B-94, E-84, B-87) ───────────────────────────────────────────────────────────────────────────

TWO = (asks() & asks(question="And how many?", response_type="freeform", options=[]), says("Done."))


@pytest.mark.asyncio
async def test_several_questions_are_answered_in_their_order_or_by_name() -> None:
    """B-94, E-84, B-87: each has the id of its call, by which the reference names it."""
    agent, outcome, model = await asked(*TWO)
    which, many = outcome.interrupts
    assert (which.message, many.message) == ("Which one?", "And how many?")
    resume = parse_resume(
        [
            {"type": "answer", "tool_call_id": many.tool_call_id, "other_text": "Three"},
            {"type": "answer", "tool_call_id": which.tool_call_id, "selected": ["pg"]},
        ]
    )
    by_name = await inprocess.resume(agent, outcome.state, resume.decisions)
    in_order = await agent.resume(outcome.state, (chooses("pg"), Respond({"other_text": "Three"})))
    for answered in (by_name, in_order):
        assert [result.text for result in results(answered.state)] == ["User selected: pg", 'User responded: "Three"']
    model.done()


@pytest.mark.asyncio
async def test_one_wrong_answer_fails_the_batch() -> None:
    """B-94, E-84: and all of it can be answered again."""
    agent, outcome, _ = await asked(*TWO)
    with pytest.raises(InvalidDecision, match="text must not be empty"):
        await agent.resume(outcome.state, (chooses("pg"), Respond({"other_text": ""})))
    with pytest.raises(CannotResume, match=r"Decision count \(1\) does not match HITL tool count \(2\)"):
        await agent.resume(outcome.state, chooses("pg"))
    wrong = parse_resume([{"type": "answer", "tool_call_id": "elsewhere", "selected": ["pg"]}])
    with pytest.raises(CannotResume, match="int_elsewhere"):
        await inprocess.resume(agent, outcome.state, wrong.decisions)
    assert (await agent.resume(outcome.state, (chooses("pg"), Respond({"other_text": "3"})))).text == "Done."


@pytest.mark.asyncio
async def test_one_of_two_questions_may_be_answered_alone_and_the_other_stays_open() -> None:
    """B-94: better than the reference, which wants all answers at once."""
    agent, outcome, _ = await asked(*TWO)
    which, many = outcome.interrupts
    one = Answering(decision=chooses("pg"), interrupt_id=which.id)
    half = await inprocess.resume(agent, outcome.state, [one])
    assert (half.kind, [interrupt.id for interrupt in half.interrupts]) == ("interrupted", [many.id])


@pytest.mark.asyncio
async def test_a_question_beside_an_approval_is_asked_after_it() -> None:
    """B-94: a mixed batch, which nobody could answer in the reference (B-85)."""
    model = ScriptedModel(calls(refund, order="7") & asks(), says("Done."))
    outcome = await talk(desk(model), model, "Refund", answers=(Approve(), chooses("pg")))
    assert [result.text for result in results(outcome.state)] == ["refunded 7", "User selected: pg"]
    assert outcome.text == "Done."


# ── on the wire ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_names_of_the_reference_are_taken_on_the_wire() -> None:
    """B-93: `answer` and `cancel`, alone, in a list, beside an interrupt's id, or as a word."""
    answered = parse_resume({"type": "answer", "selected": ["pg"], "other_text": "x"}).decisions[0]
    assert answered.decision == Respond({"selected": ["pg"], "other_text": "x"})
    assert parse_resume([{"type": "cancel"}]).decisions[0].decision == Reject()
    assert parse_resume("cancel").decisions[0].decision == Reject()
    (decided,) = parse_decide({"interrupt_id": "int_1", "type": "answer", "selected": ["pg"]}).decisions
    assert (decided.interrupt_id, decided.decision) == ("int_1", chooses("pg"))
    (nested,) = parse_resume([{"decision": {"type": "cancel", "reason": "no"}, "tool_call_id": "c"}]).decisions
    assert (nested.interrupt_id, nested.decision) == ("int_c", Reject("no"))
    with pytest.raises(InvalidInput):
        parse_resume([{"type": "shrug"}])


# ── restoring, and nobody who answers ────────────────────────────────────────────────────────────────────────────


def test_what_can_be_asked_again_after_a_restart_is_claimed() -> None:
    """B-95."""
    middleware = AskUserQuestion()
    assert middleware.restorable_interrupt(question().data)
    assert not middleware.restorable_interrupt({"type": "ask_user_question"})
    assert not middleware.restorable_interrupt({"type": "halt"})


def test_a_question_has_the_terms_of_its_middleware() -> None:
    middleware = AskUserQuestion(expires_after=timedelta(days=3), on_expiry=chooses("pg"))
    assert middleware.debug_summary() == {"response_types": ["single_select", "multi_select", "freeform"]}
    assert middleware.terms["expires_after"] == timedelta(days=3)


@pytest.mark.asyncio
async def test_a_default_that_counts_because_nobody_answered_is_told_as_that() -> None:
    """The model never reads that a person has chosen, and no row says so."""
    events: list[str] = []
    expired = Interrupt(
        id="int_c",
        reason="input_required",
        tool_call_id="c",
        tool="ask_user",
        data=question().data,
        status=InterruptStatus.EXPIRED,
    )
    state = import_state("a", export_state(State(), serialized_at=NOW)).add_message(_waiting())
    context = HookContext(emit=lambda kind, _: events.append(kind))
    answered = AskUserQuestion().handle_resume(expired, chooses("pg"), state, context)
    assert answered is not None
    assert results(answered)[0].text == (
        "Nobody answered this question in time, so its default counts. User selected: pg"
    )
    assert events == []


def _waiting() -> Message:
    return Message.tool(ToolResult(tool_call_id="c", name="ask_user", is_interrupt=True, interrupt_data={}))
