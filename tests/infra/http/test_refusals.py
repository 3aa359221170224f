"""What the door refuses before it asks anybody: nothing is connected in these tests."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents.inbox import item_of
from sagents.ports import PendingInterrupt
from sagents_infra.http.api import api
from sagents_infra.http.handler import Door
from sagents_infra.http.identity import SCOPES, caller_of
from sagents_infra.http.interrupts import sees
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.table import ADDRESSES
from tests.infra.http.asking import ANN, BEN, Front, Person, event
from tests.infra.http.conftest import nobody

PUBLIC = {"/health", "/openapi.json", "/approvals/{token}"}
SECURED = [route for route in ADDRESSES if route.scope is not None]
NAMES = [f"{route.method} {route.path}" for route in SECURED]


def test_only_health_the_document_and_links_need_no_token() -> None:
    assert {route.path for route in ADDRESSES if route.scope is None} == PUBLIC


@pytest.mark.parametrize("route", SECURED, ids=NAMES)
def test_no_route_answers_without_a_verified_identity(front: Front, route: Any) -> None:
    refused = front.ask_now(route.method, route.path.replace("{id}", "7"), {"content": "x"}, who=None)
    assert (refused.status, refused.problem) == (401, "unauthenticated")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", SECURED, ids=NAMES)
def test_no_route_answers_a_token_without_its_scope(front: Front, route: Any) -> None:
    others = tuple(f"sagents:{what}" for what in ("read", "write", "approve", "admin") if what not in route.scope)
    refused = front.ask_now(route.method, route.path.replace("{id}", "7"), "no JSON", who=Person("ann", scopes=others))
    assert (refused.status, refused.problem) == (403, "missing-scope")
    assert route.scope in refused.json["detail"]


def test_an_identity_that_has_ended_meanwhile_is_refused(front: Front) -> None:
    past = str(int((datetime.now(UTC) - timedelta(seconds=1)).timestamp()))
    refused = front.ask_now("GET", "/conversations", claims={**ANN.claims, "exp": past})
    assert (refused.status, refused.problem) == (401, "unauthenticated")


@pytest.mark.parametrize("until", ["soon", "nan", "9" * 400])
def test_an_end_that_cannot_be_read_is_long_ago(front: Front, until: str) -> None:
    assert front.ask_now("GET", "/conversations", claims={**ANN.claims, "exp": until}).status == 401


@pytest.mark.parametrize("tenant", ["a:b", "a/b", "a b", "ü", "x" * 65])
def test_a_tenant_that_could_stand_for_another_is_refused(front: Front, tenant: str) -> None:
    refused = front.ask_now("GET", "/conversations", claims={**ANN.claims, "tenant": tenant})
    assert (refused.status, refused.problem) == (403, "unusable-identity")


def test_identity_is_read_from_the_claims_as_gateways_write_them() -> None:
    caller = caller_of(event("GET", "/", who=BEN))
    assert (caller.subject, caller.tenant, caller.principal.groups) == ("ben", "acme", ("finance",))
    assert caller.principal.expires_at is not None
    two = caller_of(event("GET", "/", claims={"sub": "x", "groups": ["a", "b c"], "scp": ["sagents:read"]}))
    assert (two.principal.groups, two.scopes) == (("a", "b c"), frozenset({"sagents:read"}))


def test_no_header_and_no_body_says_who_somebody_is(front: Front) -> None:
    forged = {"x-amzn-sub": "boss", "authorization": "Bearer x", "sub": "boss"}
    assert front.ask_now("GET", "/conversations", who=None, headers=forged).status == 401


BAD_BODIES = {
    "no JSON": "{",
    "NaN": '{"content": NaN}',
    "half a character": '{"content": "\\ud800"}',
    "deep": '{"content":' + "[" * 200 + "]" * 200 + "}",
    "endless": "[" * 100_000,
    "a number of 5,000 digits": '{"content":' + "9" * 5_000 + "}",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_what_is_no_json_is_malformed(front: Front, body: str) -> None:
    refused = front.ask_now("POST", "/conversations/7/messages", body)
    assert (refused.status, refused.problem) == (400, "malformed-body")


def test_bytes_that_are_no_text_are_malformed(front: Front) -> None:
    sent = event("POST", "/conversations/7/messages", "x")
    sent |= {"body": base64.b64encode(b'{"content": "\xff"}').decode(), "isBase64Encoded": True}
    assert front.door(sent)["statusCode"] == 400


OTHER_BODIES = {
    "text/plain": '{"content": "x"}',
    "application/x-www-form-urlencoded": "content=x",
    "Multipart/Form-Data; boundary=b": '--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nx\r\n--b--\r\n',
}


@pytest.mark.parametrize(("kind", "body"), OTHER_BODIES.items(), ids=OTHER_BODIES)
def test_only_json_is_read(front: Front, kind: str, body: str) -> None:
    refused = front.ask_now("POST", "/conversations/7/messages", body, headers={"content-type": kind})
    assert (refused.status, refused.problem) == (415, "unsupported-media-type")


MISFITS: list[tuple[str, str, Any, Mapping[str, Any], str]] = [
    ("POST", "/conversations/7/messages", {}, {}, "/content"),
    ("POST", "/conversations/7/messages", {"content": 7}, {}, "/content"),
    ("POST", "/conversations/7/messages", {"content": "x", "display": ""}, {}, "/display"),
    ("POST", "/conversations/7/messages", {"content": "x", "by": "boss"}, {}, "/by"),
    ("POST", "/conversations", {"agent": "a", "scope": {"tenant": "other"}}, {}, "/scope"),
    ("POST", "/conversations", {"agent": "a", "conversation_id": "a b"}, {}, "/conversation_id"),
    ("GET", "/conversations/7/events", None, {"wait": 21}, "wait"),
    ("GET", "/conversations/7/events", None, {"after": -1}, "after"),
    ("GET", "/conversations/7/messages", None, {"limit": 0}, "limit"),
    ("GET", "/conversations/7/messages", None, {"after": 2**63}, "after"),
    ("GET", "/conversations/7/messages", None, {"before": 2**63}, "before"),
    ("GET", "/conversations", None, {"after": "a" * 201}, "after"),
    ("GET", "/conversations", None, {"after": "a/b"}, "after"),
    ("GET", "/interrupts", None, {"older_than_s": 2**31}, "older_than_s"),
    ("GET", "/conversations/a b", None, {}, "id"),
    ("POST", "/interrupts/no-address/decisions", {"type": "approve"}, {}, "id"),
    ("POST", "/interrupts/a~int_1/decisions", {"type": "maybe"}, {}, "/type"),
    ("POST", "/conversations/7/resume", {"decisions": [{"type": "no"}]}, {}, "/decisions/0/type"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "where"), MISFITS, ids=[f"{m[1]} {m[2]} {m[4]}" for m in MISFITS]
)
def test_what_does_not_fit_is_named_by_its_place_without_its_value(
    front: Front, method: str, path: str, body: Any, query: Mapping[str, Any], where: str
) -> None:
    refused = front.ask_now(method, path, body, query=query)
    assert (refused.status, refused.problem) == (422, "invalid-request")
    assert {mistake["pointer"] for mistake in refused.json["errors"]} == {where}
    assert "boss" not in refused.body


def test_a_large_body_is_refused_whole() -> None:
    front = Front(Door(nobody(), HttpOptions(max_body_bytes=2000)))
    refused = front.ask_now("POST", "/conversations/7/messages", {"content": "x" * 2000})
    assert (refused.status, refused.problem) == (413, "too-large")
    sent = event("POST", "/conversations/7/messages", "x")
    sent |= {"body": base64.b64encode(b"x" * 2001).decode(), "isBase64Encoded": True}
    assert front.door(sent)["statusCode"] == 413


def test_an_address_that_is_none_says_so_to_anybody(front: Front) -> None:
    refused = front.ask_now("GET", "/nothing", who=None)
    assert (refused.status, refused.problem) == (404, "route-not-found")


def test_quoted_paths_and_stages_lead_to_the_same_routes(front: Front) -> None:
    assert front.ask_now("GET", "/conversations/a%3Ab%20c").json["errors"][0]["pointer"] == "id"
    assert front.ask_now("GET", "/conversations/a%3Ab%40c").status == 500  # the office was asked
    api.cache_clear()  # the first request of all, which loads its route
    staged = event("GET", "/prod/openapi.json", who=None)
    staged["requestContext"]["stage"] = "prod"
    assert front.door(staged)["statusCode"] == 200


def test_who_asks_too_often_learns_when_to_come_back_and_others_go_on() -> None:
    front = Front(Door(nobody(), HttpOptions(rate=0.5, burst=3)))
    asked = [front.ask_now("GET", "/conversations/a b") for _ in range(4)]
    assert [one.status for one in asked] == [422, 422, 422, 429]
    assert asked[-1].problem == "rate-limited"
    assert 1 <= int(asked[-1].headers["Retry-After"]) <= 2
    assert front.ask_now("GET", "/conversations/a b", who=BEN).status == 422


def test_a_bug_tells_nothing_of_itself(front: Front) -> None:
    """The office of these tests raises when it is asked."""
    broken = front.ask_now("GET", "/conversations")
    assert (broken.status, broken.problem) == (500, "internal-error")
    assert "asked" not in broken.body


@pytest.mark.parametrize("kept", ["{}", '{"id": "int_1", "reason": "tool_call", "tool": "refund"}'], ids=["new", "old"])
def test_what_does_not_say_whose_it_is_shows_to_nobody(kept: str) -> None:
    """Without its tenant it would look like one of those who have none."""
    item = item_of(PendingInterrupt(agent_id="acme:conversation-7", interrupt=kept))
    for who in (Person("eve"), Person("eve", scopes=SCOPES), ANN):
        assert not sees(caller_of(event("GET", "/", who=who)), item)
    assert sees(caller_of(event("GET", "/", who=Person("eve"))), item.but(owner="eve"))
