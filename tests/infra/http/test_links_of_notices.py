"""From a notice to a decision: the worker tells, the link decides; where several have to agree each has one vote."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from sagents import Agent, Sagents, tool
from sagents.approvers import users
from sagents.decision_log import EntryKind
from sagents.policy import ask
from sagents.ports import Notice
from sagents.testing import ScriptedModel, calls, says
from sagents_infra.notify.inviting import Inviting
from tests.infra.http.asking import Answer, Front
from tests.infra.http.test_approval_links import APPROVE, FORM, PAGE, REJECT
from tests.infra.http.test_talking import happened, idle
from tests.support.deciding import server_of
from tests.support.driving import until

pytestmark = pytest.mark.asyncio


@tool(approval=ask(approvers=users("ben", "carol"), required_approvals=2))
async def pay(order: str) -> str:
    """Pay for an order."""
    return f"paid {order}"


def desk() -> Sagents:
    app = Sagents()
    app.agent("desk", Agent(model=ScriptedModel(calls(pay, order="7"), says("Paid.")), tools=[pay]))
    return app


async def invited(front: Front, env: Any) -> dict[str, str]:
    """Where each decides, as the notice says."""
    await front.post("/conversations", {"agent": "desk", "conversation_id": "7", "message": "Pay"})
    assert (await idle(front, "7"))["status"] == "interrupted"
    await happened(front, "7", "approval.requested")

    async def told() -> list[Notice]:
        return [one for one in env.notifier.notices if front.suffix in one.agent_id]

    [notice, *_] = await until(told)
    links = await Inviting(env.signer, "https://agents.example.com").links(notice)
    return {link.subject: link.url.removeprefix("https://agents.example.com") for link in links}


async def post(front: Front, address: str, fields: dict[str, str]) -> Answer:
    return await front.post(address, urlencode(fields), who=None, headers=FORM)


async def test_two_people_agree_by_the_links_of_one_notice(serve: Callable[..., Any]) -> None:
    async with serve(desk()) as (front, env):
        links = await invited(front, env)
        assert [*links] == ["ben", "carol"]
        first = await post(front, links["ben"], APPROVE)
        assert (first.status, "1 of 2 people" in first.body) == (200, True)
        assert "1 of 2 people" in (await post(front, links["ben"], APPROVE)).body  # the same vote
        other = await post(front, links["ben"], REJECT)
        assert (other.status, "was used before" in other.body) == (409, True)
        seen = await front.get(links["ben"], who=None, headers=PAGE)
        assert (seen.status, "You have decided" in seen.body) == (200, True)
        assert "It was approved" in (await post(front, links["carol"], APPROVE)).body
        assert (await idle(front, "7"))["status"] == "idle"
        [agent_id] = {one.agent_id for one in env.notifier.notices if front.suffix in one.agent_id}
        entries = [row.entry for row in await server_of(env).decision_log(agent_id)]
        assert [entry.kind for entry in entries].count(EntryKind.VOTED) == 1
        for link in links.values():
            assert "It was approved" in (await front.get(link, who=None, headers=PAGE)).body


async def test_of_two_votes_by_one_link_at_once_one_counts(serve: Callable[..., Any]) -> None:
    async with serve(desk()) as (front, env):
        links = await invited(front, env)
        answers = await asyncio.gather(
            post(front, links["ben"], APPROVE), post(front, links["ben"], REJECT), post(front, links["ben"], REJECT)
        )
        statuses = sorted(answer.status for answer in answers)
        assert statuses in ([200, 409, 409], [200, 200, 409])
        # What was taken is one decision, however often it was sent.
        taken = {"It was rejected" in answer.body for answer in answers if answer.status == 200}
        assert len(taken) == 1
