"""A thousand approvals wait: 980 are put into the store, 20 are of agents that run."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, Interceptor, OutboundInterceptor

from sagents import InvalidInput, Reject, Sagents, ask, tool
from sagents.approvers import groups
from sagents.client import AgentServer
from sagents.principal import Principal
from sagents_infra.testing import AgentEnv
from tests.client.apps import app_of
from tests.client.waiting import item, put
from tests.support.deciding import server_of
from tests.support.driving import until
from tests.support.models import uses

pytestmark = pytest.mark.asyncio
ANNA = Principal("anna", groups=("finance",))
PUT, REAL = 980, 20


class Counts(Interceptor):
    """What is asked of Temporal, by name."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Counting(next, self.asked.append)


class _Counting(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, count: Callable[[str], None]) -> None:
        super().__init__(next)
        self.count = count

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(OutboundInterceptor, name):
            self.count(name)
        return super().__getattribute__(name)


def desk() -> Sagents:
    @tool(approval=ask(approvers=groups("finance"), risk="high"))
    def wire(account: str, amount: int) -> str:
        """Send money."""
        return "sent"

    return app_of(uses("wire", account="7", amount=900), wire)


def counted(env: AgentEnv) -> tuple[AgentServer, list[str]]:
    """A server beside the others, and all that it asks of Temporal."""
    counts = Counts()
    config = env.client.config()
    config["interceptors"] = [*config["interceptors"], counts]
    return server_of(replace(env, client=Client(**config))), counts.asked


async def test_the_inbox_lists_filters_and_decides_them_and_asks_temporal_nothing_but_to_decide(serve: Any) -> None:
    async with serve(desk()) as (server, env):
        agents = [env.id(f"agent-{number}") for number in range(REAL)]
        await asyncio.gather(*(_ask(server, agent_id) for agent_id in agents))
        await put(env.store, *(item(f"kept-{number}", number) for number in range(PUT)))
        server, asked = counted(env)

        async def all_wait() -> bool:
            return len(await server.inbox()) == PUT + REAL

        await until(all_wait)
        everything = await server.inbox()
        assert [one.agent_id for one in everything[:3]] == ["kept-0", "kept-1", "kept-2"]
        assert {one.agent_id for one in everything[PUT:]} == set(agents)

        real = await server.inbox(tool="wire", risk="high", argument={"amount": 900}, approver=ANNA)
        assert {one.agent_id for one in real} == set(agents)
        assert len(await server.inbox(tool="refund", agent="desk", older_than=timedelta(days=1))) == PUT
        assert [one.agent_id for one in await server.inbox(argument={"order": "7"})] == ["kept-7"]
        assert await server.inbox(tool="wire", approver=Principal("bob")) == []
        await server.claim(everything[0].agent_id, everything[0].interrupt.id, "anna")
        assert len(await server.inbox(claimed=False)) == PUT + REAL - 1
        assert asked == []

        nowhere = [one.but(agent_id="no such id") for one in everything[:2]]
        decided = await server.decide_all([nowhere[0], *real, nowhere[1]], Reject("not today"), principal=ANNA)
        assert [one.item.agent_id for one in decided[1:-1]] == [one.agent_id for one in real]
        assert {one.answer.status for one in decided if one.answer} == {"rejected"}
        assert [type(one.error) for one in (decided[0], decided[-1])] == [InvalidInput, InvalidInput]
        assert [one.error for one in decided[1:-1]] == [None] * REAL
        assert set(asked) == {"start_workflow_update"}

        async def decided_ones_are_gone() -> bool:
            return len(await server.inbox()) == PUT

        await until(decided_ones_are_gone)


async def _ask(server: AgentServer, agent_id: str) -> None:
    await server.start("helper", agent_id=agent_id)
    await server.add_message(agent_id, "send it")
