"""Structured extraction, and reading what came of a run."""

from typing import Any

import pytest
from pydantic import BaseModel, Field, JsonValue

from sagents import Agent, ContentPart, Message, ModelRetry, Pause, RunFailed, State, ToolResult, ask, tool
from sagents.extract import AgentResult, Extract
from sagents.messages import PartType
from sagents.testing import Reply, ScriptedModel, calls, calls_raw, says, talk

pytestmark = pytest.mark.asyncio


class Invoice(BaseModel):
    number: str = Field(pattern=r"^\d+$")
    total: float


@tool
def keep_invoice(invoice: Invoice) -> Invoice:
    """Keep it."""
    if invoice.total < 0:
        raise ModelRetry("The total cannot be negative.")
    return invoice


@tool
def keep_name(name: str) -> str:
    """Keep it."""
    return f"kept {name}"


def agent_of(*script: Reply, **options: Any) -> tuple[Agent, ScriptedModel]:
    model = ScriptedModel(*script)
    return Agent(model=model, tools=[keep_invoice, keep_name], **options), model


def invoice(number: str, total: float) -> Reply:
    return calls_raw("keep_invoice", {"invoice": {"number": number, "total": total}})


async def test_what_the_tool_made_of_the_arguments_is_returned() -> None:
    """B-20."""
    agent, model = agent_of(invoice("7", 5))
    value = await Extract.run(agent, "Invoice 7: five euros", until_tool_success="keep_invoice")
    assert value == {"number": "7", "total": 5.0}
    model.done()


async def test_a_tool_that_returns_text_gives_its_arguments() -> None:
    """B-20."""
    agent, _ = agent_of(calls(keep_name, name="Ada"))
    assert await Extract.run(agent, "I am Ada", until_tool_success=["keep_name"]) == {"name": "Ada"}


async def test_a_validation_error_is_repaired_by_another_try() -> None:
    """E-92: an error of the schema, or of the tool's own, goes back to the model."""
    agent, model = agent_of(invoice("seven", 5), invoice("7", -5), invoice("7", 5))
    value = await Extract.run(agent, "Invoice 7: five euros", until_tool_success="keep_invoice")
    assert value == {"number": "7", "total": 5.0}
    texts = [result.text for message in model.requests[-1].messages for result in message.tool_results]
    assert "invoice.number" in texts[0]
    assert texts[1] == "The total cannot be negative."


async def test_malformed_data_is_never_returned() -> None:
    """E-92, B-20: after five tries it is an error."""
    agent, model = agent_of(*[invoice("seven", 5)] * 5)
    with pytest.raises(RunFailed) as caught:
        await Extract.run(agent, "Invoice", until_tool_success="keep_invoice")
    assert (caught.value.error_type, len(model.requests)) == ("exceeded_max_runs", 5)


async def test_an_extraction_needs_a_tool_that_ends_it() -> None:
    """B-20."""
    agent, model = agent_of()
    for target in ("", ()):
        with pytest.raises(RunFailed) as caught:
            await Extract.run(agent, "Invoice", until_tool_success=target)
        assert caught.value.error_type == "extract_invalid_opts"
    with pytest.raises(RunFailed) as caught:
        await Extract.run(agent, "Invoice", until_tool_success="keep_receipt")
    assert caught.value.error_type == "extract_tool_not_found"
    assert model.requests == []


async def test_an_extraction_reads_the_caller_s_whole_conversation() -> None:
    """B-20."""
    agent, model = agent_of(calls(keep_name, name="Ada"))
    state = State(messages=(Message.user("I am Ada"), Message.assistant("Hello."), Message.user("Keep my name")))
    await Extract.run(agent, state, until_tool_success="keep_name", max_runs=1)
    assert model.requests[0].messages == state.messages


async def test_callbacks_hear_of_an_extraction() -> None:
    """B-20."""
    agent, _ = agent_of(calls(keep_name, name="Ada"))
    heard: list[Message] = []
    await Extract.run(agent, "Hi", until_tool_success="keep_name", callbacks={"on_llm_new_message": heard.append})
    assert len(heard) == 1


# ── AgentResult ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_results_are_read_from_an_outcome_or_a_state() -> None:
    """B-19."""
    script = (invoice("seven", 1) & invoice("8", 2) & calls(keep_name, name="Ada"), invoice("nine", 3), says("Kept."))
    agent, model = agent_of(*script)
    outcome = await talk(agent, model, "Keep them")
    for given in (outcome, outcome.state):
        assert AgentResult.tool_result(given, "keep_invoice").text == '{"number":"8","total":2.0}', "no error, if any"
        assert AgentResult.tool_arguments(given, "keep_name") == {"name": "Ada"}
        assert AgentResult.tool_arguments(given, "keep_invoice") == {"invoice": {"number": "8", "total": 2}}
        assert AgentResult.processed_content(given, "keep_invoice") == {"number": "8", "total": 2.0}
        assert AgentResult.to_string(given) == "Kept."


async def test_artifacts_of_the_last_run_are_read_from_its_outcome() -> None:
    """B-19."""

    @tool
    def draw() -> ToolResult:
        """Draw."""
        return ToolResult((ContentPart(type=PartType.IMAGE, content="aGk="),), artifacts={"file": "a.png"})

    model = ScriptedModel(calls(draw))
    outcome = await talk(Agent(model=model, tools=[draw]), model, "Draw", until_tool="draw")
    assert AgentResult.processed_content(outcome) == {"file": "a.png"}


async def test_what_is_not_there_is_a_typed_error() -> None:
    """B-19."""
    state = State(messages=(Message.user("Hi"),))
    texts: list[JsonValue] = []
    for read in (AgentResult.tool_result, AgentResult.tool_arguments, AgentResult.processed_content):
        with pytest.raises(RunFailed) as caught:
            read(state, "keep_name")
        texts.append(caught.value.error_type)
    with pytest.raises(RunFailed) as caught:
        AgentResult.to_string(state)
    assert (*texts, caught.value.error_type) == (*["no_tool_result"] * 3, "no_text")


async def test_a_run_that_did_not_finish_is_a_typed_error() -> None:
    """B-19: interrupted and paused have kinds of their own."""

    @tool(approval=ask())
    def gated() -> None:
        """Gated."""

    @tool
    def pause() -> Pause:
        """Pause."""
        return Pause()

    for culprit, kind in ((gated, "interrupted"), (pause, "paused")):
        outcome = await Agent(model=ScriptedModel(calls(culprit)), tools=[culprit]).execute("Go")
        with pytest.raises(RunFailed) as caught:
            AgentResult.to_string(outcome)
        assert caught.value.kind == kind


async def test_text_has_no_processed_content() -> None:
    """B-19."""
    agent, model = agent_of(calls(keep_name, name="Ada"), says("Kept."))
    outcome = await talk(agent, model, "Keep it")
    with pytest.raises(RunFailed) as caught:
        AgentResult.processed_content(outcome, "keep_name")
    assert caught.value.error_type == "no_processed_content"
