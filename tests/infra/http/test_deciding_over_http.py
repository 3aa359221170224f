"""What waits for people, and their decisions, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.http.asking import ANN, BEN, BOSS, CAT, Front, Person, desk_app
from tests.infra.http.test_talking import happened, idle

pytestmark = pytest.mark.asyncio

INTERN = Person("ian", tenant="acme")


async def asks(front: Front) -> Any:
    """Ann's agent asks for an approval; the item as Ben of finance sees it."""
    await front.post("/conversations", {"agent": "desk", "conversation_id": "7", "message": "Refund order 7"})
    assert (await idle(front, "7"))["status"] == "interrupted"
    await happened(front, "7", "approval.requested")
    [item] = (await front.get("/interrupts", who=BEN)).json["interrupts"]
    return item


async def test_an_approver_decides_about_the_call_that_they_saw(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        item = await asks(front)
        assert (item["tool"], item["arguments"], item["owner"]) == ("refund", {"order": "7"}, "ann")
        shown = await front.get(f"/interrupts/{item['id']}", who=BEN)
        assert (shown.json, shown.headers["ETag"]) == (item, f'"{item["digest"]}"')
        decisions = f"/interrupts/{item['id']}/decisions"
        other = await front.post(decisions, {"type": "approve"}, who=BEN, headers={"If-Match": '"another"'})
        assert (other.status, other.problem) == (412, "precondition-failed")
        own = await front.post(decisions, {"type": "approve"}, who=ANN)
        assert (own.status, own.problem) == (403, "forbidden")
        wrong = await front.post(decisions, {"type": "edit", "arguments": {}}, who=BEN)
        assert (wrong.status, wrong.problem) == (422, "invalid-decision")
        seen = {"If-Match": shown.headers["ETag"]}
        decided = await front.post(decisions, {"type": "approve"}, who=BEN, headers=seen)
        assert (decided.status, decided.json["status"], decided.json["by"]) == (200, "approved", "ben")
        again = await front.post(decisions, {"type": "approve"}, who=BEN)
        assert (again.status, again.json) == (200, decided.json)
        for who in (CAT, Person("dan", ("finance",))):
            assert (await front.post(decisions, {"type": "approve"}, who=who)).problem == "interrupt-not-found"
        late = await front.post(decisions, {"type": "reject"}, who=BEN)
        assert (late.status, late.problem, late.json["interrupt_id"]) == (
            409,
            "decision-conflict",
            item["interrupt_id"],
        )
        await happened(front, "7", "approval.decided")
        await idle(front, "7")
        rows = (await front.get("/conversations/7/messages")).json["rows"]
        assert rows[-1]["content"]["text"] == "Done."
        assert (await front.get("/interrupts", who=BEN)).json["interrupts"] == []


async def test_only_whom_it_concerns_sees_what_waits(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        item = await asks(front)
        address = f"/interrupts/{item['id']}"
        for who, sees in (
            (ANN, True),
            (BEN, True),
            (BOSS, True),
            (INTERN, False),
            (CAT, False),
            (Person("dan"), False),
        ):
            listed = [one["id"] for one in (await front.get("/interrupts", who=who)).json["interrupts"]]
            assert listed == ([item["id"]] if sees else []), who
            assert (await front.get(address, who=who)).status == (200 if sees else 404), who
        for who in (INTERN, CAT, Person("dan", ("finance",))):
            refused = await front.post(f"{address}/decisions", {"type": "approve"}, who=who)
            assert (refused.status, refused.problem) == (404, "interrupt-not-found"), who
        assert (await front.get("/interrupts", query={"mine": True})).json["interrupts"] == []  # not one's own request
        for query, found in (({"tool": "refund"}, 1), ({"tool": "other"}, 0), ({"conversation_id": "7"}, 1)):
            assert len((await front.get("/interrupts", who=BEN, query=query)).json["interrupts"]) == found, query
        unknown = item["id"].replace("~", "~x")
        assert (await front.post(f"/interrupts/{unknown}/decisions", {"type": "approve"}, who=BEN)).status == 404


async def test_the_owner_answers_in_the_conversation_by_place(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        await asks(front)
        two = {"decisions": [{"type": "approve"}, {"type": "approve"}]}
        assert (await front.post("/conversations/7/resume", two)).problem == "cannot-resume"
        own = await front.post("/conversations/7/resume", {"decisions": [{"type": "approve"}]})
        assert (own.status, own.problem) == (403, "forbidden")
        finance = Person("boss", ("finance",), "acme", BOSS.scopes)
        taken = await front.post("/conversations/7/resume", {"decisions": [{"type": "reject"}]}, who=finance)
        assert (taken.status, taken.json["decisions"][0]["status"]) == (202, "rejected")
