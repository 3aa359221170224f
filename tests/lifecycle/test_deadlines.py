"""The clocks of what waits for people: they run in the workflow, whoever is connected. Days pass in a second."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from sagents import Agent, AgentRequest, Approve, Edit, Escalation, Respond, Sagents, ask, deny, groups, tool
from sagents.decision_log import Row, broken
from sagents.policy import Policy
from sagents_workflows import AgentWorkflow
from tests.support.driving import Driven, started, until
from tests.support.models import uses
from tests.support.replaying import replayer

pytestmark = pytest.mark.asyncio

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def desk(paid: list[float], policy: Policy) -> Sagents:
    @tool(approval=policy)
    def refund(amount: float) -> str:
        """Refund an order."""
        paid.append(amount)
        return f"refunded {amount:g}"

    app = Sagents()
    app.agent("helper", Agent(model=uses("refund", amount=500.0), tools=[refund]))
    return app


async def asking(env: Any) -> Driven:
    agent = await started(env, "helper")
    await agent.send("Refund order 7")
    await agent.reaches("interrupted")
    return agent


async def log_of(agent: Driven) -> list[Row]:
    rows = [Row.model_validate_json(row) for row in await agent.env.store.logged(agent.agent_id)]
    assert broken(rows) is None
    return rows


async def kinds(agent: Driven) -> list[str]:
    return [row.entry.kind for row in await log_of(agent)]


async def test_nobody_answers_and_nobody_is_connected_the_model_reads_that(skipping_env: Any) -> None:
    paid: list[float] = []
    async with skipping_env(desk(paid, ask(expires_after=3 * DAY))) as env:
        agent = await asking(env)
        await env.passes(2 * DAY)
        assert await agent.status() == "interrupted"
        await env.passes(DAY)
        assert await agent.settled() == "idle"
        said = await agent.last_text()
        assert "Nobody answered in time" in said
        assert "reject" not in said
        assert paid == []
        assert await kinds(agent) == ["requested", "expired"]
        assert (await log_of(agent))[-1].entry.status == "expired"


@pytest.mark.parametrize(
    ("on_expiry", "paid_then", "said"),
    [
        (Approve(), [500.0], "done: refunded 500"),
        (Edit({"amount": 5.0}), [5.0], "done: refunded 5"),
        (Respond("Ask again on Monday."), [], "done: Ask again on Monday."),
    ],
    ids=["approve", "edit", "respond"],
)
async def test_on_expiry_what_the_policy_says_is_done(
    skipping_env: Any, on_expiry: Any, paid_then: list[float], said: str
) -> None:
    paid: list[float] = []
    async with skipping_env(desk(paid, ask(expires_after=HOUR, on_expiry=on_expiry))) as env:
        agent = await asking(env)
        await env.passes(HOUR)
        assert await agent.settled() == "idle"
        assert await agent.last_text() == said
        assert paid == paid_then
        assert await kinds(agent) == ["requested", "expired"]


async def test_on_expiry_the_run_is_cancelled_where_the_policy_says_so(skipping_env: Any) -> None:
    paid: list[float] = []
    async with skipping_env(desk(paid, ask(expires_after=HOUR, on_expiry="cancel_run"))) as env:
        agent = await asking(env)
        await env.passes(HOUR)
        await agent.reaches("cancelled")
        assert paid == []
        await until(lambda: _has(agent, ["requested", "expired"]))
        assert await agent.say("Once more") == ""  # it asks again, and lives
        assert await agent.status() == "interrupted"


async def test_people_are_reminded_until_they_decide_and_then_no_more(skipping_env: Any) -> None:
    paid: list[float] = []
    async with skipping_env(desk(paid, ask(remind_after=DAY))) as env:
        agent = await asking(env)
        await env.passes(3 * DAY + HOUR)
        await until(lambda: _has(agent, ["requested", "reminded", "reminded", "reminded"]))
        await agent.update("resume", [{"type": "approve"}])
        await agent.settled()
        await env.passes(3 * DAY)
        told = [notice.kind for notice in env.notifier.notices]
        assert told == ["requested", "reminded", "reminded", "reminded", "decided"]


async def _has(agent: Driven, wanted: list[str]) -> bool:
    return await kinds(agent) == wanted


async def test_a_chain_of_people_is_asked_one_after_the_other(skipping_env: Any) -> None:
    chain = (Escalation(HOUR, groups("managers")), Escalation(DAY, groups("board")))
    async with skipping_env(desk([], ask(approvers=groups("finance"), escalate=chain))) as env:
        agent = await asking(env)

        async def approvers() -> tuple[str, ...]:
            (view,) = await agent.interrupts()
            assert view.interrupt.approvers is not None
            return tuple(view.interrupt.approvers.groups)

        assert await approvers() == ("finance",)
        await env.passes(HOUR)
        await until(lambda: _has(agent, ["requested", "escalated"]))
        assert await approvers() == ("finance", "managers")
        await env.passes(DAY)
        await until(lambda: _has(agent, ["requested", "escalated", "escalated"]))
        assert await approvers() == ("finance", "managers", "board")
        await env.passes(30 * DAY)
        assert await agent.status() == "interrupted"


async def _parked(agent: Driven) -> int:
    """How many events its history has once it is saved and visible as waiting, with nothing under way; 0 before."""
    kinds = [event.event_type for event in await agent.events()]
    upserted, done = (
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    )
    begun = kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    under_way = begun - kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
    return len(kinds) if upserted in kinds and not under_way and kinds[-1] in (upserted, done) else 0


async def test_a_month_of_waiting_adds_nothing_and_the_history_replays_on_other_code(skipping_env: Any) -> None:
    paid: list[float] = []
    app, prompts, policies = Sagents(), ["Be brief."], [ask()]

    @app.agent("helper")
    def helper(_: AgentRequest) -> Agent:
        @tool(approval=policies[-1])
        def refund(amount: float, note: str = "") -> str:
            """Refund an order."""
            paid.append(amount)
            return f"refunded {amount:g}{note}"

        return Agent(model=uses("refund", amount=500.0), tools=[refund], system_prompt=prompts[-1])

    async with skipping_env(app) as env:
        agent = await asking(env)
        before = await until(lambda: _parked(agent))
        await env.passes(30 * DAY)
        assert len(await agent.events()) == before
        prompts.append("Be long.")  # a deploy while it waits
        policies.append(deny("not any more"))
        await agent.update("resume", [{"type": "approve"}])
        assert await agent.settled() == "idle"
        assert paid == [500.0]
        await replayer(AgentWorkflow).replay_workflow(await agent.handle.fetch_history())
