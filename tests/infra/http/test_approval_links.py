"""Approval links over HTTP, with an agent that waits on a real server: each has one effect, for one person."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from sagents.decision_log import EntryKind
from sagents.errors import CannotAnswer
from sagents.inbox import InboxItem
from sagents.principal import Principal
from sagents_infra.http.handler import Door
from sagents_infra.http.local import LocalServer
from sagents_infra.http.options import HttpOptions
from sagents_infra.links.deciding import revoke
from sagents_infra.links.link import Link, link_for
from sagents_infra.links.sealing import sealed
from tests.infra.http.asking import Answer, Front, desk_app
from tests.infra.http.conftest import nobody
from tests.infra.http.test_deciding_over_http import asks
from tests.infra.http.test_talking import idle
from tests.support.deciding import server_of

pytestmark = pytest.mark.asyncio
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"accept": "application/json"}
APPROVE = {"type": "approve", "confirm": "yes"}
REJECT = {"type": "reject", "confirm": "yes", "reason": "It was delivered."}


@dataclass
class Mail:
    """A door, what waits behind it, and who makes links to it."""

    front: Front
    env: Any
    item: InboxItem

    @property
    def outside(self) -> Any:
        return self.front.door.office.desk.outside

    def person(self, name: str = "ben", *groups: str) -> Principal:
        return Principal(name, groups or ("finance",), self.item.tenant)

    async def link(self, decider: Principal | None = None, **changes: Any) -> tuple[str, Link]:
        """The address of a link, signed by the door's key whatever it says."""
        link = link_for(self.item, decider or self.person()).but(**changes)
        return f"/approvals/{await sealed(self.outside.signer, link)}", link

    async def get(self, address: str, headers: dict[str, str] = PAGE) -> Answer:
        return await self.front.get(address, who=None, headers=headers)

    async def post(self, address: str, fields: dict[str, str], headers: dict[str, str] = FORM) -> Answer:
        return await self.front.post(address, urlencode(fields), who=None, headers=headers)

    async def waits(self) -> bool:
        return bool(await server_of(self.env).inbox(agent_id=self.item.agent_id))


@pytest.fixture
def mail(serve: Callable[..., Any]) -> Callable[[], Any]:
    """`async with mail() as mail:` Dora's refund waits for somebody of finance."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Mail]:
        async with serve(desk_app()) as (front, env):
            await asks(front)
            [item] = [one for one in await server_of(env).inbox() if one.tenant == f"acme{front.suffix}"]
            yield Mail(front, env, item)

    return opened


async def test_a_link_shows_the_call_and_its_form_decides_it_once(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        address, link = await post.link()
        shown = await post.get(address)
        assert (shown.status, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "refund waits for your decision" in shown.body
        assert "I am ben, and I have read" in shown.body
        first = await post.post(address, APPROVE | {"digest": link.digest})
        assert (first.status, "It was approved" in first.body) == (200, True)
        again = await post.post(address, APPROVE | {"digest": link.digest})
        assert (again.status, "It was approved" in again.body) == (200, True)
        other = await post.post(address, REJECT)
        assert (other.status, "was used before" in other.body) == (409, True)
        assert "approve" in other.body
        await idle(post.front, "7")
        seen = await post.get(address)
        assert (seen.status, "It was approved" in seen.body, "ben (you)" in seen.body) == (200, True, True)
        entries = [row.entry for row in await server_of(post.env).decision_log(post.item.agent_id)]
        [decided] = [entry for entry in entries if entry.kind == "decided"]
        assert decided.who is not None
        assert (decided.who.subject, decided.who.channel) == ("ben", "link")


async def test_two_hundred_looks_decide_nothing(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        address, link = await post.link()
        answers = await asyncio.gather(*(post.get(address) for _ in range(200)))
        assert {answer.status for answer in answers} == {200}
        assert await post.waits()
        assert await post.outside.links.get(link.id) is None
        entries = [row.entry.kind for row in await server_of(post.env).decision_log(post.item.agent_id)]
        assert entries == ["requested"]


@pytest.mark.parametrize("missing", ["confirm", "type"])
async def test_a_form_that_nobody_confirmed_decides_nothing_and_is_shown_again(
    mail: Callable[[], Any], missing: str
) -> None:
    async with mail() as post:
        address, _ = await post.link()
        given = {name: value for name, value in REJECT.items() if name != missing}
        refused = await post.post(address, given)
        assert (refused.status, 'role="alert"' in refused.body) == (422, True)
        assert "It was delivered." in refused.body  # what was typed is not lost
        as_json = await post.front.post(address, {"type": "approve"}, who=None, headers=JSON)
        assert (as_json.status, as_json.problem) == (422, "not-confirmed")
        assert await post.waits()


async def test_programs_get_json_and_decide_by_json(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        address, link = await post.link()
        shown = await post.get(address, JSON)
        assert shown.json["interrupt"]["arguments"] == {"order": "7"}
        assert (shown.json["decider"], shown.json["interrupt"]["digest"]) == ("ben", link.digest)
        wrong = {"type": "approve", "confirm": True, "digest": "sha256:another"}
        assert (await post.front.post(address, wrong, who=None, headers=JSON)).status == 412
        for body in ("[1]", "{", '{"type": "approve", "confirm": true, "arguments": NaN}', '{"confirm": true}'):
            assert (await post.front.post(address, body, who=None, headers=JSON)).status in (400, 422), body
        assert await post.waits()
        given = {"type": "reject", "reason": "no", "confirm": True}
        decided = await post.front.post(address, given, who=None, headers=JSON)
        assert (decided.status, decided.json["status"], decided.json["by"]) == (200, "rejected", "ben")
        assert (await post.front.post(address, given, who=None, headers=JSON)).json == decided.json
        used = await post.front.post(address, {"type": "approve", "confirm": True}, who=None, headers=JSON)
        assert (used.status, used.problem) == (409, "link-used")
        await idle(post.front, "7")
        assert (await post.get(address, JSON)).json["outcome"]["status"] == "rejected"


async def test_forged_expired_and_revoked_links_say_what_to_do_and_decide_nothing(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        address, _ = await post.link()
        past, _ = await post.link(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        taken_back, link = await post.link()
        await revoke(post.outside.links, link.id, link.expires_at, "ann")
        for wrong, status, problem, words in (
            (f"{address}x", 404, "link-invalid", "copy it whole"),
            ("/approvals/x", 404, "link-invalid", "copy it whole"),
            (past, 410, "link-expired", "Ask whoever sent it for a new one"),
            (taken_back, 410, "link-revoked", "taken back by ann"),
        ):
            for answer in (await post.get(wrong), await post.post(wrong, APPROVE)):
                assert (answer.status, words in unescape(answer.body)) == (status, True), wrong
                assert "refund" not in answer.body
                assert "default-src" in answer.headers["Content-Security-Policy"]
            assert (await post.get(wrong, JSON)).problem == problem
        assert await post.waits()


async def test_a_link_decides_for_nobody_who_may_not(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        for changes in (
            {"groups": ("sales",)},
            {"subject": "ann"},  # who asked for it
            {"tenant": None},
            {"tenant": "other"},
        ):
            address, link = await post.link(**changes)
            shown = await post.get(address)
            assert (shown.status, "refund" in shown.body) == (403, False), changes
            refused = await post.post(address, APPROVE)
            assert refused.status == 403, changes
            row = await post.outside.links.get(link.id)
            assert row is None or row.is_open
        assert await post.waits()


async def test_a_link_for_another_call_decides_nothing(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        address, _ = await post.link(digest="sha256:another")
        for answer in (await post.get(address), await post.post(address, APPROVE)):
            assert (answer.status, "refund" in answer.body) == (412, False)
        unknown, _ = await post.link(interrupt_id="int_call_none")
        for answer in (await post.get(unknown), await post.post(unknown, APPROVE)):
            assert answer.status == 404
        assert await post.waits()


async def test_of_two_links_one_decides_and_the_other_shows_who_did(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        (bens, _), (carols, _) = await post.link(), await post.link(post.person("carol"))
        answers = await asyncio.gather(post.post(bens, APPROVE), post.post(carols, REJECT))
        assert sorted(answer.status for answer in answers) == [200, 409]
        winner, loser = ("ben", answers[1]) if answers[0].status == 200 else ("carol", answers[0])
        assert winner in loser.body
        await idle(post.front, "7")
        for address in (bens, carols):
            assert (winner in (await post.get(address)).body) is True
        entries = [row.entry.kind for row in await server_of(post.env).decision_log(post.item.agent_id)]
        assert entries.count(EntryKind.DECIDED) == 1


async def test_one_link_sent_at_once_has_one_effect(mail: Callable[[], Any]) -> None:
    async with mail() as post:
        address, _ = await post.link()
        answers = await asyncio.gather(*(post.post(address, APPROVE if n % 2 else REJECT) for n in range(8)))
        assert {answer.status for answer in answers} == {200, 409}
        taken = {"It was approved" in answer.body for answer in answers if answer.status == 200}
        assert len(taken) == 1
        await idle(post.front, "7")
        entries = [row.entry.kind for row in await server_of(post.env).decision_log(post.item.agent_id)]
        assert entries.count(EntryKind.DECIDED) == 1


async def test_pages_send_no_origin_and_are_believed_by_their_link_alone() -> None:
    """A browser that sends no referrer says `Origin: null`, which without tokens is nobody's."""
    door = Door(nobody(), HttpOptions())
    local = LocalServer(door, None, {"sub": "dev"})
    transport = httpx.ASGITransport(local)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers={"origin": "null"}) as page:
        kept = await page.post("/conversations/7/cancel")
        assert kept.json()["type"].endswith("foreign-origin")
        seen = await page.post("/approvals/x", content="type=approve", headers={"content-type": "text/plain"})
        assert seen.json()["type"].endswith("unsupported-media-type")
    local.close()


async def test_without_temporal_a_page_says_to_try_again(front: Front) -> None:
    async def away() -> Any:
        raise CannotAnswer("Temporal does not answer.")

    front.door.office._opening = away
    answer = await front.get("/approvals/x", who=None, headers=PAGE)
    assert (answer.status, answer.headers["Retry-After"], "<h1>" in answer.body) == (503, "2", True)
