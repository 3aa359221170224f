"""What no agent can use, from any door: too long, too large, too odd. It never costs the agent its life.

Temporal bounds summaries, search attributes and messages between worker and server; beyond them a workflow task fails
for ever, and the agent with it. Doors check too, but signals and starts may come from anybody's `temporal` CLI.
"""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagents import Agent, Sagents, contract, tool
from sagents.commands import Execute, NewMessage, Stop
from sagents.errors import InvalidInput
from sagents.lifecycle import Lifecycle
from sagents.policy import ask
from sagents.replies import RaiseInterrupt
from tests.support.driving import Driven, started, until
from tests.support.models import echoes, uses

LONG = "x" * 5_000


def app_of(model: Any, **options: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, **options))
    return app


@tool(approval=ask())
def shred() -> str:
    """Shred something."""
    return "shredded"


async def with_problem(agent: Driven) -> str:
    async def has_one() -> str | None:
        return (await agent.info()).problem

    return str(await until(has_one))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "payload", [{"decisions": 5}, {"decisions": None}, 7, [[]], {"type": "approve", "interrupt_id": []}]
)
async def test_a_decision_that_is_none_is_a_problem_that_the_info_tells(agent_env: Any, payload: Any) -> None:
    async with agent_env(app_of(uses("shred"), tools=[shred])) as env:
        agent = await started(env, "helper")
        await agent.send("Shred it")
        await agent.reaches("interrupted")
        refusal = await agent.refused("resume", payload)
        assert refusal.type in ("InvalidInput", "CannotResume")
        await agent.handle.signal("resume", payload)
        assert await with_problem(agent)
        await agent.update("resume", [{"type": "approve"}])
        await agent.reaches("idle")


@pytest.mark.asyncio
async def test_names_and_ids_that_are_too_long_for_temporal_do_not_stop_an_agent(agent_env: Any) -> None:
    async with agent_env(app_of(echoes())) as env:
        long = {"conversation_id": LONG, "scope": {"owner": LONG, "tenant": "ü" * 3_000}}
        agent = await started(env, "helper", env.id("long"), **long)
        assert await agent.say("hello") == "heard hello"
        assert (await agent.info()).conversation_id == LONG


@pytest.mark.asyncio
async def test_an_agent_of_an_endless_name_is_an_error_as_any_unknown_one(agent_env: Any) -> None:
    async with agent_env(app_of(echoes()), worker=False) as env, env.worker(rolling_deploy=timedelta(0)):
        agent = await started(env, LONG, env.id("endless"))
        await agent.send("anyone?")
        assert await agent.settled() == "error"


@pytest.mark.asyncio
async def test_a_question_with_an_endless_reason_can_be_answered(agent_env: Any) -> None:
    @tool
    def wonder() -> str:
        """Ask a person."""
        raise RaiseInterrupt(reason=LONG, message=LONG)

    async with agent_env(app_of(uses("wonder"), tools=[wonder])) as env:
        agent = await started(env, "helper")
        await agent.send("go")
        await agent.reaches("interrupted")
        await agent.update("resume", [{"type": "respond", "content": "blue"}])
        (view,) = await until(lambda: reopened(agent))
        assert view.interrupt.problem == "No middleware handled the resume for this interrupt"


@pytest.mark.asyncio
@pytest.mark.parametrize("signal", ["add_message", "resume", "cancel", "stop"])
async def test_a_signal_with_two_payloads_is_a_problem_that_the_info_tells(agent_env: Any, signal: str) -> None:
    """Two `--input`s are a slip of the hand."""
    async with agent_env(app_of(echoes())) as env:
        agent = await started(env, "helper")
        await agent.handle.signal(signal, args=["hello", "again"])
        assert "One payload is taken" in await with_problem(agent)
        assert await agent.say("hello") == "heard hello"


@pytest.mark.asyncio
async def test_a_start_with_two_payloads_is_a_problem_that_the_info_tells(agent_env: Any) -> None:
    async with agent_env(app_of(echoes())) as env:
        both = [{"agent": "helper"}, {"conversation_id": "7"}]
        await env.client.start_workflow(
            contract.AGENT_WORKFLOW, args=both, id=env.id(), task_queue=env.settings.task_queue
        )
        agent = Driven(env, env.id())
        assert "One payload is taken" in await with_problem(agent)
        assert await agent.say("hello") == "heard hello"


async def reopened(agent: Driven) -> Any:
    views = await agent.interrupts()
    return views if views and views[0].interrupt.problem else None


@pytest.mark.asyncio
async def test_a_refusal_never_repeats_megabytes(agent_env: Any) -> None:
    """A refusal travels inside a workflow task's answer, which Temporal takes up to 4 MB of."""
    async with agent_env(app_of(uses("shred"), tools=[shred])) as env:
        agent = await started(env, "helper")
        await agent.send("Shred it")
        await agent.reaches("interrupted")
        refusal = await agent.refused("resume", [{"type": "approve", "interrupt_id": "y" * 5_000_000}])
        assert len(refusal.message) <= 2_000
        assert await agent.status() == "interrupted"


# ── the contract itself ──────────────────────────────────────────────────────────────────────────────────────────

FIELDS = sorted(
    {name for kind in (contract.StartAgent, NewMessage, Execute, Stop) for name in kind.model_fields}
    | {"decisions", "decision", "interrupt_id", "type", "arguments", "inactivity_timeout_ms", "presence", "auto_save"}
)
NAMES = st.sampled_from(FIELDS) | st.text(max_size=4)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5))
PARSERS = (
    contract.parse_message,
    contract.parse_execute,
    contract.parse_resume,
    contract.parse_cancel,
    contract.parse_stop,
    contract.parse_start,
    Lifecycle.from_wire,
)


@given(ANYTHING)
def test_whatever_arrives_is_a_command_or_invalid_input(payload: Any) -> None:
    """Anything else that a parser raises would fail the task of the workflow whose handler asked it."""
    for parse in PARSERS:
        try:
            parse(payload)
        except InvalidInput:
            continue
