"""A tool or hook that ends the work: no model is asked any more, people read why and say what is to be done."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import (
    Agent,
    CannotResume,
    HookContext,
    Message,
    Middleware,
    Model,
    RaiseInterrupt,
    Reject,
    Respond,
    State,
    inprocess,
    tool,
)
from sagents.answering import answer
from sagents.commands import Answering
from sagents.demotion import PROCESS_BOUND
from sagents.interrupts import Interrupt
from sagents.messages import Role, ToolResult
from sagents.middleware.ask_user import AskUserQuestion
from sagents.middleware.haltable import Haltable
from sagents.operations import fold
from sagents.pending import questions
from sagents.plan import AgentRef, AnswerRequest, Reference
from sagents.replies import halt
from sagents.restoring import restore
from sagents.serialization import export_state, import_state
from sagents.testing import ScriptedModel, StillTime, calls, says

NOW = datetime(2025, 1, 1, tzinfo=UTC)
TEXT = "Tool halted: {} The user has sent a new instruction - proceed with their new request."


@tool
def stock(item: str) -> str:
    """What is there of it."""
    if item == "nothing":
        halt("")
    halt(f"{item} is out of stock.")


@tool
def choose(question: str) -> str:
    """Ask the user."""
    raise RaiseInterrupt(question)


def shop(model: Model, *middleware: Middleware) -> Agent:
    return Agent(model=model, tools=[stock, choose], agent_id="shop-1", middleware=middleware or (Haltable(),))


def results(state: State) -> list[ToolResult]:
    return [result for message in state.messages for result in message.tool_results]


@pytest.mark.asyncio
async def test_no_model_is_asked_after_a_halt() -> None:
    """B-96: the run waits; people read the message and where it comes from."""
    model = ScriptedModel(calls(stock, item="Tea"))
    outcome = await shop(model).execute("Buy tea")
    (interrupt,) = outcome.interrupts
    assert (outcome.kind, interrupt.reason, interrupt.message) == ("interrupted", "halt", "Tea is out of stock.")
    assert (interrupt.tool, interrupt.allowed_decisions, interrupt.on_expiry) == ("stock", ("respond",), "cancel_run")
    data = results(outcome.state)[0].interrupt_data or {}
    expected = {"type": "halt", "message": "Tea is out of stock.", "source_tool": "stock"}
    assert {**expected, "tool_call_id": interrupt.tool_call_id}.items() <= data.items()
    model.done()


@pytest.mark.asyncio
async def test_what_a_person_says_to_a_halt_is_a_new_message() -> None:
    """B-96, T-32: the run goes on with it, and the model can read why it had stopped."""
    model = ScriptedModel(calls(stock, item="Tea"), says("Coffee then."))
    agent = shop(model)
    outcome = await agent.resume((await agent.execute("Buy tea")).state, Respond("Buy coffee"))
    (result,) = results(outcome.state)
    assert (result.text, result.is_error) == (TEXT.format("Tea is out of stock."), True)
    assert [message.text for message in outcome.state.messages if message.role is Role.USER] == [
        "Buy tea",
        "Buy coffee",
    ]
    assert (outcome.kind, outcome.text) == ("finished", "Coffee then.")
    model.done()


@pytest.mark.asyncio
async def test_a_new_message_goes_on_too() -> None:
    """B-96, T-30, T-32."""
    model = ScriptedModel(calls(stock, item="Tea"), says("Coffee then."))
    agent = shop(model)
    stopped = await agent.execute("Buy tea")
    outcome = await agent.execute(stopped.state.add_message(Message.user("Buy coffee")))
    assert results(outcome.state)[0].text == TEXT.format("Tea is out of stock.")
    assert outcome.text == "Coffee then."


@pytest.mark.parametrize("content", ["", "  ", {"text": "Buy coffee"}, None])
@pytest.mark.asyncio
async def test_a_halt_is_answered_by_a_text(content: JsonValue) -> None:
    """B-96: what is none leaves it open."""
    model = ScriptedModel(calls(stock, item="Tea"))
    agent = shop(model)
    outcome = await agent.execute("Buy tea")
    request = AnswerRequest(
        agent=AgentRef(), reference=Reference(), run_id="r", interrupt=outcome.interrupts[0], decision=Respond(content)
    )
    answered = await answer(agent, outcome.state, request, StillTime().surroundings())
    assert answered.error is not None
    assert "answered by a text" in answered.error.message
    with pytest.raises(CannotResume, match="not allowed"):
        await agent.resume(outcome.state, Reject())


@pytest.mark.asyncio
async def test_an_answer_to_a_halt_makes_what_else_was_asked_moot() -> None:
    """B-96: no placeholder is left for a model that could not read it (T-31)."""
    model = ScriptedModel(calls(choose, question="Green or black?") & calls(stock, item="Tea"))
    agent = shop(model)
    outcome = await agent.execute("Buy tea")
    halted = next(interrupt for interrupt in outcome.interrupts if interrupt.reason == "halt")
    request = AnswerRequest(
        agent=AgentRef(agent_id="shop-1"),
        reference=Reference(),
        run_id="r",
        interrupt=halted,
        decision=Respond("Stop."),
    )
    answered = await answer(agent, outcome.state, request, StillTime().surroundings())
    state = fold(outcome.state, answered.operations)
    assert [result.is_interrupt for result in results(state)] == [False, False]
    assert (state.messages[-1].role, state.messages[-1].text) == (Role.USER, "Stop.")


@pytest.mark.asyncio
async def test_whoever_answers_the_halt_need_not_answer_what_else_was_asked() -> None:
    """B-96: a halt wins."""
    model = ScriptedModel(calls(choose, question="Green or black?") & calls(stock, item="Tea"), says("Coffee then."))
    agent = shop(model)
    stopped = await agent.execute("Buy tea")
    halted = next(interrupt for interrupt in stopped.interrupts if interrupt.reason == "halt")
    answering = Answering(decision=Respond("Buy coffee"), interrupt_id=halted.id)
    outcome = await inprocess.resume(agent, stopped.state, [answering])
    assert (outcome.kind, outcome.text, outcome.interrupts) == ("finished", "Coffee then.", ())
    model.done()


@pytest.mark.parametrize(("item", "told"), [("Tea", ["Tea is out of stock."]), ("nothing", [])])
@pytest.mark.asyncio
async def test_why_it_halted_is_told_once_and_nothing_where_nothing_was_said(item: str, told: list[str]) -> None:
    """B-96."""
    events: list[tuple[str, Any]] = []
    around = replace(StillTime().surroundings(), emit=lambda kind, data: events.append((kind, data)))
    agent = shop(ScriptedModel(calls(stock, item=item)))
    outcome = await inprocess.execute(agent, f"Buy {item}", around=around)
    halts = [data for kind, data in events if kind == "agent_halted"]
    call_id = outcome.interrupts[0].tool_call_id
    assert halts == [{"message": text, "source_tool": "stock", "tool_call_id": call_id} for text in told]


@pytest.mark.asyncio
async def test_a_halt_is_there_again_after_a_restart_and_can_be_answered() -> None:
    """E-85, B-96: also where the state of a living agent is restored from an export."""
    model = ScriptedModel(calls(stock, item="Tea"), says("Coffee then."))
    agent = shop(model)
    exported = export_state((await agent.execute("Buy tea")).state, serialized_at=NOW)
    state = import_state("shop-1", exported, agent.stack)
    (interrupt,) = questions(state)
    assert (interrupt.reason, interrupt.message, interrupt.tool) == ("halt", "Tea is out of stock.", "stock")
    assert (interrupt.allowed_decisions, interrupt.on_expiry) == (("respond",), "cancel_run")
    outcome = await agent.resume(state, Respond("Buy coffee"))
    assert results(outcome.state)[0].text == TEXT.format("Tea is out of stock.")
    assert outcome.text == "Coffee then."


@pytest.mark.asyncio
async def test_a_restored_export_waits_over_its_halt() -> None:
    """E-85."""
    agent = shop(ScriptedModel(calls(stock, item="Tea")))
    exported = export_state((await agent.execute("Buy tea")).state, serialized_at=NOW)
    restored = restore(agent, State(agent_id="shop-1"), json.dumps(exported))
    assert [interrupt.message for interrupt in restored.interrupts] == ["Tea is out of stock."]


@pytest.mark.asyncio
async def test_without_the_middleware_a_halt_does_not_survive_a_load() -> None:
    """E-85: it ends the work all the same, but is demoted where nobody claims it."""
    agent = shop(ScriptedModel(calls(stock, item="Tea")), AskUserQuestion())
    outcome = await agent.execute("Buy tea")
    assert outcome.interrupts[0].reason == "halt"
    state = import_state("shop-1", export_state(outcome.state, serialized_at=NOW), agent.stack)
    assert [(result.text, result.is_interrupt) for result in results(state)] == [(PROCESS_BOUND, False)]
    assert questions(state) == ()


def test_only_halts_are_claimed() -> None:
    """B-96."""
    assert Haltable().restorable_interrupt({"type": "halt", "message": "Out of stock."})
    assert not Haltable().restorable_interrupt({"type": "ask_user_question"})
    assert not Haltable().restorable_interrupt({})


@pytest.mark.asyncio
async def test_a_hook_may_halt_before_any_model_is_asked() -> None:
    """B-96: no call has a result to wait in; the answer is a message all the same."""

    class Guard(Middleware):
        def before_model(self, state: State, context: HookContext, /) -> None:
            if state.messages[-1].text == "Buy tea":
                halt("The shop is closed.", data={"source": "opening hours"})

    events: list[tuple[str, Any]] = []
    around = replace(StillTime().surroundings(), emit=lambda kind, data: events.append((kind, data)))
    model = ScriptedModel(says("Coffee then."))
    agent = shop(model, Guard())
    stopped = await inprocess.execute(agent, "Buy tea", around=around)
    assert ("agent_halted", {"message": "The shop is closed.", "source": "opening hours"}) in events
    assert [interrupt.message for interrupt in stopped.interrupts] == ["The shop is closed."]
    outcome = await agent.resume(stopped.state, Respond("Buy coffee"))
    assert (outcome.kind, outcome.text) == ("finished", "Coffee then.")


def test_nothing_goes_on_by_itself_after_a_halt() -> None:
    """B-96: a halt that nobody answers ends its run, it is no answer to the model."""
    with pytest.raises(ValueError, match="cancel_run"):
        halt("Out of stock.", on_expiry=Respond("Then coffee"))


def test_a_halt_in_an_older_state_is_read() -> None:
    """B-96: the data of the reference has a type and no reason."""
    data: dict[str, JsonValue] = {"type": "halt", "message": "Out of stock.", "source": "stock"}
    waiting = ToolResult(tool_call_id="c", name="buy", is_interrupt=True, interrupt_data=data)
    (interrupt,) = questions(State(messages=(Message.tool(waiting),)))
    assert isinstance(interrupt, Interrupt)
    assert (interrupt.reason, interrupt.data) == ("halt", {"source": "stock"})
