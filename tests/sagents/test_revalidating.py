"""A call that people have approved: whether the world still lets it run, and what the model is told of it."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import (
    Agent,
    Approve,
    Edit,
    InvalidAgent,
    ModelRetry,
    RaiseInterrupt,
    Respond,
    State,
    Tool,
    ToolContext,
    ask,
    tool,
)
from sagents.calling import run_call
from sagents.messages import ToolCall
from sagents.plan import AgentRef, CallRequest, CallResult, Reference
from sagents.testing import ScriptedModel, StillTime, calls, says, talk

pytestmark = pytest.mark.asyncio

REF = AgentRef(name="desk", agent_id="desk-1", scope={"tenant": "acme"})


def pay_tool(revalidate: Any, **options: Any) -> tuple[Tool[..., Any], list[int]]:
    paid: list[int] = []

    @tool(revalidate=revalidate, **options)
    def pay(amount: int) -> str:
        """Pay."""
        paid.append(amount)
        return f"paid {amount}"

    return pay, paid


async def run(tool: Tool[..., Any], stage: StillTime | None = None, **request: Any) -> CallResult:
    """The result of an approved call that pays 7."""
    asked: dict[str, JsonValue] = {"amount": 7}
    attempt = request.pop("attempt", 1)
    call = ToolCall(call_id="call_1", name=request.pop("name", tool.name), arguments=asked)
    given = {"approved": True, "agent": REF, "reference": Reference(), "run_id": "run-1", "record": "r", **request}

    async def read_state() -> State:
        return State()

    return await run_call(
        Agent(model=ScriptedModel(), tools=[tool]),
        call,
        CallRequest(call_id=call.call_id, name=call.name, **given),
        (stage or StillTime()).surroundings(),
        read_state=read_state,
        attempt=attempt,
    )


# ── revalidate ───────────────────────────────────────────────────────────────────────────────────────────────────


async def with_context(context: ToolContext, arguments: Any) -> str | None:
    return None if (context.scope["tenant"], arguments["amount"]) == ("acme", 7) else "who are you?"


def in_a_thread(arguments: Any) -> None:
    assert threading.current_thread() is not threading.main_thread()


@pytest.mark.parametrize("check", [lambda a: None, with_context, in_a_thread])
async def test_a_call_that_nothing_speaks_against_runs(check: Callable[..., Any]) -> None:
    pay, paid = pay_tool(check)
    result = await run(pay)
    assert (result.result.text, result.not_executed, paid) == ("paid 7", None, [7])


def raises(error: BaseException) -> Callable[[Any], Any]:
    def check(arguments: Any) -> Any:
        raise error

    return check


async def is_cancelled(arguments: Any) -> None:
    raise asyncio.CancelledError


async def never_answers(arguments: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (lambda a: f"{a['amount']} is over the limit since Monday", "7 is over the limit since Monday"),
        (raises(ModelRetry("The order was cancelled.")), "The order was cancelled."),
        (raises(ConnectionError("bank away")), "ConnectionError: bank away"),
        (raises(ValueError()), "ValueError"),
        (raises(SystemExit(1)), "SystemExit: 1"),
        (lambda a: False, "`revalidate` of the tool answered False; only None lets a call run"),
        (is_cancelled, "looking at it again was cancelled"),
        (never_answers, "TimeoutError"),
    ],
)
async def test_an_objection_keeps_an_approved_call_from_running(check: Callable[..., Any], why: str) -> None:
    """What cannot be checked speaks against it too; model and log are told why."""
    stage = StillTime()
    pay, paid = pay_tool(check, timeout=timedelta(milliseconds=300))
    result = await run(pay, stage)
    assert (result.not_executed, paid) == (why, [])
    assert result.result.text == f"This call was approved, but was not executed: {why}"
    assert result.result.is_error
    assert [update["status"] for update in stage.happened("tool_execution_update")] == ["failed"]


async def test_only_approved_calls_are_looked_at_again() -> None:
    pay, paid = pay_tool(lambda a: "no")
    assert (await run(pay, approved=False)).result.text == "paid 7"
    assert paid == [7]


async def test_a_cancel_of_the_call_passes_through_its_check() -> None:
    entered = asyncio.Event()

    async def waits(arguments: Any) -> None:
        entered.set()
        await asyncio.Event().wait()

    pay, paid = pay_tool(waits)
    running = asyncio.ensure_future(run(pay))
    await asyncio.wait_for(entered.wait(), 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert paid == []


async def test_after_a_lost_attempt_nobody_says_that_the_call_did_not_run() -> None:
    """The objection may be what the lost attempt has done: "it is paid already"."""
    pay, paid = pay_tool(lambda a: "It is paid already.")
    result = await run(pay, attempt=2)
    assert (result.not_executed, paid) == (None, [])
    assert "may have taken effect" in result.result.text


async def test_an_approved_call_whose_tool_has_gone_was_not_executed() -> None:
    """DESIGN 4.6."""
    pay, _ = pay_tool(None)
    gone = await run(pay, name="pay_back")
    assert gone.not_executed == "Tool 'pay_back' not found"
    assert gone.result.text == "This call was approved, but was not executed: Tool 'pay_back' not found"
    assert (await run(pay, name="pay_back", approved=False)).not_executed is None


@pytest.mark.parametrize(
    ("check", "told"), [("always", "is a function, not 'always'"), (lambda: None, "one argument or two")]
)
async def test_what_cannot_revalidate_is_refused_where_it_is_written(check: Any, told: str) -> None:
    with pytest.raises(InvalidAgent, match=f"Tool 'pay': revalidate.*{told}"):
        pay_tool(check)


async def test_an_approval_in_this_process_is_looked_at_again_too() -> None:
    pay, paid = pay_tool(lambda a: "The order was cancelled.", approval=ask())
    model = ScriptedModel(calls(pay, amount=7), says("Too late."))
    await talk(Agent(model=model, tools=[pay]), model, "Pay", answers=(Approve(),))
    read = model.requests[-1].messages[-1].tool_results[0]
    assert read.text == "This call was approved, but was not executed: The order was cancelled."
    assert paid == []


# ── what the model is told ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("request_", "note"),
    [
        ({}, None),
        ({"arguments": {"amount": 3}}, 'A person changed this call\'s arguments before it ran: {"amount":3}'),
        ({"expired": True}, "Nobody answered in time whether this call may run; it ran as was agreed for that case."),
        (
            {"expired": True, "arguments": {"amount": 3}},
            "Nobody answered in time whether this call may run; it ran as was agreed for that case."
            ' Its arguments were changed to {"amount":3}',
        ),
    ],
)
async def test_a_call_that_ran_otherwise_than_the_model_asked_says_so(
    request_: dict[str, Any], note: str | None
) -> None:
    """That nobody answered is never told as a person's doing. The note is no part of the result."""
    pay, paid = pay_tool(None)
    result = (await run(pay, **request_)).result
    assert (result.note, result.text) == (note, f"paid {paid[0]}")
    assert result.text_for_model == (f"{note}\n\n{result.text}" if note else result.text)


async def test_a_note_stays_when_the_changed_call_asks_a_question_that_is_answered() -> None:
    @tool(approval=ask())
    def pay(amount: int) -> str:
        """Pay."""
        raise RaiseInterrupt(f"From which account shall {amount} be paid?")

    model = ScriptedModel(calls(pay, amount=7), says("Paid."))
    await talk(Agent(model=model, tools=[pay]), model, "Pay", answers=(Edit({"amount": 3}), Respond("Savings")))
    read = model.requests[-1].messages[-1].tool_results[0]
    assert read.text_for_model == 'A person changed this call\'s arguments before it ran: {"amount":3}\n\nSavings'
