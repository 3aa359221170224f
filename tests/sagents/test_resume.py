"""Going on with what people decided, from nothing but the outcome's state."""

from datetime import UTC, datetime
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
    Message,
    Middleware,
    Model,
    Pause,
    RaiseInterrupt,
    Reject,
    Respond,
    RunFailed,
    State,
    Tool,
    ToolContext,
    ask,
    inprocess,
    tool,
)
from sagents.commands import Answering
from sagents.errors import InvalidDecision
from sagents.hooks import HookAnswer
from sagents.messages import ToolResult
from sagents.serialization import export_state, import_state
from sagents.testing import ScriptedModel, calls, calls_raw, says, talk

pytestmark = pytest.mark.asyncio

NOW = datetime(2025, 1, 1, tzinfo=UTC)


@tool(approval=ask())
async def refund(context: ToolContext, order: str, amount: float) -> str:
    """Refund an order."""
    return f"refunded {amount:g} for {order}"


@tool
def look_up(order: str) -> str:
    """Look up an order."""
    return f"order {order}"


@tool
def choose(question: str) -> str:
    """Ask the user."""
    raise RaiseInterrupt(question)


def desk(model: Model, **options: Any) -> Agent:
    return Agent(model=model, **{"tools": [refund, look_up, choose], "agent_id": "desk-1", **options})


def results(state: State) -> list[ToolResult]:
    return [result for message in state.messages for result in message.tool_results]


async def test_a_gated_call_waits_and_nothing_of_its_batch_has_run() -> None:
    """B-7, B-18: the outcome carries the interrupt, the state the call."""
    model = ScriptedModel(calls(look_up, order="7") & calls(refund, order="7", amount=5.0))
    outcome = await desk(model).execute("Refund order 7")
    assert (outcome.kind, results(outcome.state)) == ("interrupted", [])
    (interrupt,) = outcome.interrupts
    assert (interrupt.reason, interrupt.tool, interrupt.message) == ("tool_call", "refund", "Refund")
    call = outcome.call_of(interrupt)
    assert call is not None
    assert call.arguments == {"order": "7", "amount": 5.0}
    with pytest.raises(RunFailed, match="waits for a person"):
        outcome.unwrap()


DECISIONS: list[tuple[Decision, str]] = [
    (Approve(), "refunded 5 for 7"),
    (Edit({"order": "7", "amount": 3}), "refunded 3 for 7"),
    (Reject("too late"), "Tool 'refund' was rejected by a human reviewer. Reason: too late"),
]


@pytest.mark.parametrize(("decision", "text"), DECISIONS)
@pytest.mark.parametrize("stored", [False, True])
async def test_a_decision_is_carried_out_and_the_model_goes_on(decision: Decision, text: str, stored: bool) -> None:
    """B-18: the state alone is enough, also after it has been stored and read again."""
    model = ScriptedModel(calls(look_up, order="7") & calls(refund, order="7", amount=5.0), says("Seen to."))
    agent = desk(model)
    state = (await agent.execute("Refund order 7")).state
    if stored:
        state = import_state("desk-1", export_state(state, serialized_at=NOW))
    outcome = await agent.resume(state, decision)
    assert [result.text for result in results(outcome.state)] == ["order 7", text]
    assert (outcome.kind, outcome.text) == ("finished", "Seen to.")
    model.done()


async def test_several_gates_are_decided_in_the_order_of_their_calls() -> None:
    """B-18."""
    both = calls(refund, order="7", amount=5.0) & calls(refund, order="8", amount=6.0)
    model = ScriptedModel(both, says("One of two."))
    outcome = await talk(desk(model), model, "Refund both", answers=(Reject(), Approve()))
    assert [result.text for result in results(outcome.state)] == [
        "Tool 'refund' was rejected by a human reviewer.",
        "refunded 6 for 8",
    ]


async def test_an_edit_that_does_not_fit_is_refused_with_a_pointer_and_changes_nothing() -> None:
    """B-83: the call still waits, and runs with arguments that fit."""
    model = ScriptedModel(calls(refund, order="7", amount=5.0), says("Done."))
    agent = desk(model)
    state = (await agent.execute("Refund order 7")).state
    with pytest.raises(InvalidDecision, match="do not fit 'refund': amount: Input should be a valid number") as refused:
        await agent.resume(state, Edit({"order": "7", "amount": "much"}))
    assert (refused.value.pointer, refused.value.interrupt_id[:4]) == ("/arguments/amount", "int_")
    outcome = await agent.resume(state, Edit({"order": "7", "amount": 3}))
    assert results(outcome.state)[0].text == "refunded 3 for 7"


async def test_an_edit_of_a_tool_of_a_schema_is_held_to_the_whole_schema() -> None:
    """B-83: its owner would validate the values only when the call runs."""
    numbers: dict[str, JsonValue] = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    pay = Tool.from_schema(
        name="pay", description="", parameters=numbers, function=lambda context, a: f"paid {a}", approval=ask()
    )
    model = ScriptedModel(calls_raw("pay", {"amount": 7}))
    agent = desk(model, tools=[pay])
    state = (await agent.execute("Pay")).state
    with pytest.raises(InvalidDecision) as refused:
        await agent.resume(state, Edit({"amount": "much"}))
    assert refused.value.pointer == "/arguments/amount"


async def test_the_model_is_told_that_a_person_changed_its_call() -> None:
    """E-81: it reads so before the result; the value for programs is what the tool returned."""
    model = ScriptedModel(calls(refund, order="7", amount=5.0), says("Less, then."))
    outcome = await talk(desk(model), model, "Refund", answers=(Edit({"order": "7", "amount": 3}),))
    told = 'A person changed this call\'s arguments before it ran: {"order":"7","amount":3}'
    read = model.requests[-1].messages[-1].tool_results[0]
    assert read.text_for_model == f"{told}\n\nrefunded 3 for 7"
    assert (results(outcome.state)[0].text, results(outcome.state)[0].is_error) == ("refunded 3 for 7", False)


async def test_what_a_policy_has_said_is_not_asked_again_when_people_answer() -> None:
    """DESIGN 8: a question that was asked stays asked, whatever its predicate thinks by then."""
    asked: list[object] = []

    def once(arguments: Any) -> bool:
        asked.append(arguments)
        return len(asked) == 1

    @tool(approval=ask(when=once))
    def pay(amount: int) -> str:
        """Pay."""
        return f"paid {amount}"

    model = ScriptedModel(calls(pay, amount=3), says("Not paid."))
    outcome = await talk(desk(model, tools=[pay]), model, "Pay", answers=(Reject(),))
    assert (outcome.text, len(asked)) == ("Not paid.", 1)
    assert results(outcome.state)[0].text.startswith("Tool 'pay' was rejected")


async def test_decisions_by_different_people_one_after_the_other_are_all_kept() -> None:
    """In-process too, a decided call waits for the others of its batch."""
    both = calls(refund, order="7", amount=5.0) & calls(refund, order="8", amount=6.0)
    model = ScriptedModel(both, says("One of two."))
    agent = desk(model)
    first = await agent.execute("Refund both")
    seven, eight = first.interrupts
    second = await inprocess.resume(agent, first.state, [Answering(decision=Reject(), interrupt_id=eight.id)])
    assert [one.id for one in second.interrupts] == [seven.id]
    outcome = await agent.resume(second.state, Approve())
    assert [result.text for result in results(outcome.state)] == [
        "refunded 5 for 7",
        "Tool 'refund' was rejected by a human reviewer.",
    ]


async def test_a_decision_that_does_not_fit_changes_nothing() -> None:
    """B-18: nothing has begun; the right decision is still possible."""
    model = ScriptedModel(calls(refund, order="7", amount=5.0), says("Done."))
    agent = desk(model, interrupt_on={"refund": ["approve", "reject"]})
    state = (await agent.execute("Refund order 7")).state
    with pytest.raises(CannotResume, match="Decision count"):
        await agent.resume(state, (Approve(), Approve()))
    with pytest.raises(CannotResume, match="not allowed for 'refund'; allowed: approve, reject"):
        await agent.resume(state, Respond("fine"))
    with pytest.raises(CannotResume, match="No decision"):
        await agent.resume(state, ())
    assert (await agent.resume(state, Approve())).text == "Done."


async def test_a_state_in_which_nothing_waits_cannot_be_resumed() -> None:
    """B-18: no interrupt is an error."""
    agent = desk(ScriptedModel())
    for messages in ((), (Message.user("Hi"), Message.assistant("Hello"))):
        with pytest.raises(CannotResume, match="nothing in this state waits"):
            await agent.resume(State(messages=messages), Approve())


@pytest.mark.parametrize("stored", [False, True])
async def test_a_tool_s_question_is_answered_by_its_result(stored: bool) -> None:
    """B-18: without any middleware, the answer is the tool's result."""
    model = ScriptedModel(calls(choose, question="Which city?"), says("Off to Rome."))
    agent = desk(model, middleware=[Claims()])
    first = await agent.execute("Plan a trip")
    assert (first.kind, first.interrupts[0].message) == ("interrupted", "Which city?")
    state = first.state
    if stored:
        state = import_state("desk-1", export_state(state, serialized_at=NOW), agent.stack)
    outcome = await agent.resume(state, Respond("Rome"))
    assert outcome.text == "Off to Rome."
    answered = results(outcome.state)[0]
    assert (answered.text, answered.is_interrupt, answered.interrupt_data) == ("Rome", False, None)


class Claims(Middleware):
    """Says that questions survive a restart."""

    def restorable_interrupt(self, data: Any, /) -> bool:
        return True


WORDS: list[tuple[Decision, str]] = [
    (Approve(), "A person approved this."),
    (Reject(), "A person declined this."),
    (Reject("no budget"), "A person declined this. Reason: no budget"),
    (Respond({"city": "Rome"}), '{"city":"Rome"}'),
]


@pytest.mark.parametrize(("decision", "text"), WORDS)
async def test_the_model_reads_a_decision_in_words(decision: Decision, text: str) -> None:
    model = ScriptedModel(calls(choose, question="Go on?"), says("I see."))
    outcome = await talk(desk(model), model, "Go", answers=(decision,))
    assert results(outcome.state)[0].text == text


async def test_approving_one_call_may_surface_the_question_of_another() -> None:
    """B-18, B-85, E-82: an approved batch that asks by itself interrupts the run again."""
    batch = calls(refund, order="7", amount=5.0) & calls(choose, question="Send a voucher too?")
    model = ScriptedModel(batch, says("Done."))
    outcome = await talk(desk(model), model, "Refund", answers=(Approve(), Respond("No")))
    assert [result.text for result in results(outcome.state)] == ["refunded 5 for 7", "No"]
    assert outcome.text == "Done."


async def test_questions_of_several_tools_are_answered_together() -> None:
    model = ScriptedModel(calls(choose, question="City?") & calls(choose, question="Day?"), says("Booked."))
    outcome = await talk(desk(model), model, "Trip", answers=(Respond("Rome"), Respond("Monday")))
    assert [result.text for result in results(outcome.state)] == ["Rome", "Monday"]


class Asker(Middleware):
    """Knows one kind of question, and answers it in its own way."""

    def __init__(self, answer: Any, id: str = "asker") -> None:
        self.id, self.answer, self.offered = id, answer, 0

    async def handle_resume(
        self, interrupt: Interrupt, decision: Any, state: State, context: HookContext, /
    ) -> HookAnswer:
        self.offered += 1
        answer: HookAnswer = self.answer(interrupt, decision, state)
        return answer


def in_capitals(interrupt: Interrupt, decision: Any, state: State) -> State:
    call_id = interrupt.tool_call_id or ""
    return state.replace_tool_result(call_id, ToolResult(tool_call_id=call_id, content=decision.content.upper()))


async def test_an_answer_is_offered_to_each_middleware_in_turn() -> None:
    """B-18: the first that knows it deals with it."""
    passes, knows, never = Asker(lambda *_: None, "a"), Asker(in_capitals, "b"), Asker(in_capitals, "c")
    model = ScriptedModel(calls(choose, question="City?"), says("Booked."))
    agent = desk(model, middleware=[passes, knows, never])
    outcome = await talk(agent, model, "Trip", answers=(Respond("rome"),))
    assert results(outcome.state)[0].text == "ROME"
    assert (passes.offered, knows.offered, never.offered) == (1, 1, 0)


async def test_a_middleware_may_ask_again() -> None:
    """B-18: interrupted again, with new data."""

    def insists(interrupt: Interrupt, decision: Any, state: State) -> HookAnswer:
        if decision.content == "?":
            raise RaiseInterrupt("Please name a city.", data={"hint": "Rome"})
        return in_capitals(interrupt, decision, state)

    model = ScriptedModel(calls(choose, question="City?"), says("Booked."))
    agent = desk(model, middleware=[Asker(insists)])
    first = await agent.execute("Trip")
    second = await agent.resume(first.state, Respond("?"))
    assert (second.kind, second.interrupts[0].message) == ("interrupted", "Please name a city.")
    assert second.interrupts[0].data["hint"] == "Rome"
    assert (await agent.resume(second.state, Respond("rome"))).text == "Booked."
    model.done()


async def test_a_middleware_that_fails_leaves_the_question_open() -> None:
    """B-18: an error; the question can still be answered."""

    def breaks(*_: object) -> None:
        raise ConnectionError("calendar away")

    model = ScriptedModel(calls(choose, question="City?"))
    agent = desk(model, middleware=[Asker(breaks)])
    outcome = await agent.resume((await agent.execute("Trip")).state, Respond("Rome"))
    assert outcome.kind == "interrupted"
    assert outcome.interrupts[0].problem == "asker.handle_resume failed: ConnectionError: calendar away"


async def test_a_question_that_nobody_knows_stays_open() -> None:
    """B-18: nobody handles it."""
    data: dict[str, JsonValue] = {"form": 7}

    @tool
    def sign() -> None:
        """Sign."""
        raise RaiseInterrupt("Sign here", reason="signature", data=data)

    model = ScriptedModel(calls(sign))
    agent = desk(model, tools=[sign])
    outcome = await agent.resume((await agent.execute("Go")).state, Approve())
    assert outcome.kind == "interrupted"
    assert outcome.interrupts[0].problem == "No middleware handled the resume for this interrupt"
    assert outcome.interrupts[0].data["form"] == 7


class Doorman(Middleware):
    """Asks before the run begins."""

    async def before_run(self, state: State, context: HookContext, /) -> HookAnswer:
        raise RaiseInterrupt("May they come in?", reason="door")

    async def handle_resume(
        self, interrupt: Interrupt, decision: Any, state: State, context: HookContext, /
    ) -> HookAnswer:
        return state.put_metadata("door", decision.type) if interrupt.reason == "door" else None


async def test_a_hook_s_question_is_answered_by_its_middleware() -> None:
    """B-18: the run goes on where it stopped; `before_run` does not run again."""
    model = ScriptedModel(says("Welcome."))
    outcome = await talk(desk(model, middleware=[Doorman()]), model, "Knock", answers=(Approve(),))
    assert (outcome.text, outcome.state.get_metadata("door")) == ("Welcome.", "approve")


async def test_a_middleware_may_pause_on_an_answer() -> None:
    """B-18: the pause is passed on."""
    model = ScriptedModel(calls(choose, question="City?"), says("Later it is."))
    agent = desk(model, middleware=[Asker(lambda *_: Pause("office closed"))])
    outcome = await agent.resume((await agent.execute("Trip")).state, Respond("Rome"))
    assert (outcome.kind, outcome.cause) == ("paused", "office closed")


async def test_a_paused_run_goes_on() -> None:
    """B-18: without decisions. It is the same run: hooks of its beginning do not run again."""
    begun: list[int] = []

    class Counts(Middleware):
        def before_run(self, state: State, context: HookContext, /) -> HookAnswer:
            begun.append(1)
            return None

    @tool
    def wait() -> Pause:
        """Wait."""
        return Pause("maintenance")

    model = ScriptedModel(calls(wait), says("Here again."))
    agent = desk(model, tools=[wait], middleware=[Counts()])
    paused = await agent.execute("Go")
    with pytest.raises(CannotResume):
        await agent.resume(paused.state, Approve())
    outcome = await agent.resume(paused.state, ())
    assert (outcome.text, outcome.state.pause_reason, len(begun)) == ("Here again.", None, 1)
    with pytest.raises(CannotResume):
        await agent.resume(outcome.state, ())


async def test_a_target_may_be_reached_after_a_decision() -> None:
    """E-76: the run keeps the options it was started with."""
    model = ScriptedModel(calls(look_up, order="7") & calls_raw("refund", {"order": "7", "amount": 5}))
    outcome = await talk(desk(model), model, "Refund", answers=(Approve(),), until_tool_success="refund")
    assert outcome.kind == "finished"
    assert outcome.tool_result is not None
    assert outcome.tool_result.text == "refunded 5 for 7"


async def test_a_rejected_target_is_not_reached() -> None:
    """E-76: what a person answers in the tool's place has not run."""
    model = ScriptedModel(calls(refund, order="7", amount=5.0), says("Then not."))
    outcome = await talk(desk(model), model, "Refund", answers=(Reject(),), until_tool="refund")
    assert outcome.error is not None
    assert outcome.error.type == "until_tool_not_called"


async def test_a_stored_run_takes_its_options_again() -> None:
    """E-76: what is stored is the state; options belong to a run."""
    model = ScriptedModel(calls(refund, order="7", amount=5.0))
    agent = desk(model)
    state = (await agent.execute("Refund", until_tool="refund")).state
    stored = import_state("desk-1", export_state(state, serialized_at=NOW))
    outcome = await agent.resume(stored, Approve(), until_tool="refund")
    assert outcome.kind == "finished"
    model.done()


async def test_max_runs_counts_on_after_a_decision() -> None:
    """B-10: it is the same run."""
    model = ScriptedModel(calls(refund, order="7", amount=5.0), calls(refund, order="8", amount=5.0))
    outcome = await talk(desk(model), model, "Refund all", answers=(Approve(),), max_runs=2)
    assert outcome.error is not None
    assert outcome.error.type == "exceeded_max_runs"


async def test_a_new_message_instead_of_an_answer_starts_anew() -> None:
    """B-18: the open question is demoted (T-30) and the model asked again."""
    model = ScriptedModel(calls(choose, question="City?"), says("Let us talk about boats."))
    agent = desk(model)
    first = await agent.execute("Trip")
    outcome = await agent.execute(first.state.add_message(Message.user("Boats!")))
    assert outcome.text == "Let us talk about boats."
    assert results(outcome.state)[0].is_error
    model.done()


async def test_a_question_of_an_approved_call_is_another_one_than_its_approval() -> None:
    """Else the approval, sent again by a client that has not heard the answer, would answer the question, too."""

    @tool(approval=ask())
    def publish() -> str:
        """Publish it, somewhere."""
        raise RaiseInterrupt("Where?")

    agent = Agent(model=ScriptedModel(calls(publish), says("Done.")), tools=[publish])
    first = await agent.execute("Publish it")
    second = await agent.resume(first.state, Approve())
    (approval,), (question,) = first.interrupts, second.interrupts
    assert (approval.reason, question.reason) == ("tool_call", "input_required")
    assert approval.id != question.id
    assert (await agent.resume(second.state, Respond("here"))).text == "Done."
