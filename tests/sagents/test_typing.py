"""What the type checker sees of tools. Each `type: ignore` below is a mistake that `mypy --strict` has to report:

it refuses an ignore that nothing needs, so `make check` fails as soon as one of them passes unnoticed.
"""

from datetime import timedelta
from typing import Literal, assert_type

import pytest

from sagents import (
    Agent,
    AgentRequest,
    HookContext,
    InvalidAgent,
    Middleware,
    Reject,
    Sagents,
    State,
    ToolContext,
    ask,
    groups,
    tool,
)
from sagents.testing import calls

app = Sagents()


@tool
def word_count(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


@tool(
    timeout=timedelta(seconds=30),
    on_worker_loss="report",
    approval=ask(
        when=lambda a: a["amount"] > 100,
        approvers=groups("finance"),
        expires_after=timedelta(days=3),
        on_expiry=Reject(),
    ),
)
async def refund(context: ToolContext, order: str, amount: float = 1.0) -> str:
    """Refund an order."""
    await context.progress("calling the bank")
    return f"{order}: {amount} {context.idempotency_key}"


class Locale(Middleware):
    id = "locale"

    async def before_run(self, state: State, context: HookContext, /) -> State:
        return state.put_metadata("language", context.scope.get("language", "en"))


@app.agent("helper")
def helper(request: AgentRequest) -> Agent:
    return Agent(model="test:any", system_prompt="Be brief.", tools=[word_count, refund], middleware=[Locale()])


def look_up(word: str) -> str:
    return word


def test_parameters_of_a_tool_are_those_of_its_function_without_the_context() -> None:
    assert calls(word_count, text="a b").calls[0].arguments == {"text": "a b"}
    assert calls(refund, order="7", amount=500.0).calls[0].arguments == {"order": "7", "amount": 500.0}
    assert calls(refund, "7").calls[0].arguments == {"order": "7"}


def test_wrong_arguments_are_type_errors() -> None:
    with pytest.raises(TypeError):
        calls(refund, ordr="7")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        calls(refund)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        calls(refund, order="7", context=ToolContext())  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        calls(word_count, words="a b")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        word_count(txt="a b")  # type: ignore[call-arg]
    calls(refund, order=7)  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_results_of_tools_are_those_of_their_functions() -> None:
    assert_type(word_count(text="a b"), int)
    assert_type(await refund.bound(ToolContext(agent_id="a"))(order="7"), str)


def test_wrong_options_are_type_errors() -> None:
    loss: Literal["retry", "report"] = "retry"
    assert tool(on_worker_loss=loss)(look_up).on_worker_loss == "retry"
    with pytest.raises(InvalidAgent):
        tool(timeout=30)(look_up)  # type: ignore[call-overload]
    with pytest.raises(InvalidAgent):
        tool(attempt=2)  # type: ignore[call-overload]
    with pytest.raises(InvalidAgent):
        tool(look_up, on_worker_loss="ignore")  # type: ignore[call-overload]


def test_factory_keeps_its_type() -> None:
    assert_type(helper(AgentRequest()), Agent)
