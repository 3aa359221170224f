"""Conversations over HTTP, with agents on a real Temporal server."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.http.asking import ANN, BEN, BOSS, CAT, Front, Person, desk_app

pytestmark = pytest.mark.asyncio


async def happened(front: Front, conversation: str, *types: str) -> list[dict[str, Any]]:
    """All events up to the one that completes `types`."""
    seen: list[dict[str, Any]] = []
    while {*types} - {event["type"] for event in seen}:
        after = seen[-1]["id"] if seen else 0
        page = await front.get(f"/conversations/{conversation}/events", query={"after": after, "wait": 10})
        assert page.status == 200, page.body
        assert page.json["events"], "nothing more happens"
        seen += page.json["events"]
    return seen


async def idle(front: Front, conversation: str) -> Any:
    """The conversation, once nothing runs and nothing is about to."""
    async with asyncio.timeout(30):
        while True:
            shown = await front.get(f"/conversations/{conversation}")
            assert shown.status == 200, shown.body
            info = shown.json.get("info") or {}
            about_to = info.get("waking") or info.get("queued")
            if shown.json["status"] == "interrupted" or (shown.json["status"] == "idle" and not about_to):
                return shown.json
            await asyncio.sleep(0.05)


async def test_a_message_is_taken_at_once_and_its_reply_comes_as_events_and_rows(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        started = await front.post("/conversations", {"agent": "echo", "conversation_id": "7"})
        assert (started.status, started.json["agent_id"]) == (201, f"acme{front.suffix}:conversation-7")
        again = await front.post("/conversations", {"agent": "echo", "conversation_id": "7"})
        assert (again.status, again.json["started"]) == (200, False)
        taken = await front.post("/conversations/7/messages", {"content": "Hello"})
        assert (taken.status, taken.json["agent_id"]) == (202, started.json["agent_id"])
        events = await happened(front, "7", "llm_message")
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        await idle(front, "7")
        page = (await front.get("/conversations/7/messages")).json
        assert [(row["message_type"], row["content"]["text"]) for row in page["rows"]] == [
            ("user", "Hello"),
            ("assistant", "answer 0"),
        ]
        assert page["rows"][0]["id"].startswith(taken.json["message_id"])
        assert page["before"] is None
        newest = (await front.get("/conversations/7/messages", query={"limit": 1})).json
        assert [row["content"]["text"] for row in newest["rows"]] == ["answer 0"]
        earlier = (await front.get("/conversations/7/messages", query={"before": newest["before"]})).json
        assert [row["content"]["text"] for row in earlier["rows"]] == ["Hello"]


async def test_fifty_identical_requests_with_one_key_are_one_message(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        key = {"Idempotency-Key": "order 7, first try"}
        begun = {"agent": "echo", "message": "Hello"}
        started = await asyncio.gather(*(front.post("/conversations", begun, headers=key) for _ in range(5)))
        assert len({answer.body.replace("true", "false") for answer in started}) == 1
        conversation = started[0].json["id"]
        said = f"/conversations/{conversation}/messages"
        taken = await asyncio.gather(*(front.post(said, {"content": "Once"}, headers=key) for _ in range(50)))
        assert {answer.status for answer in taken} == {202}
        assert len({answer.json["message_id"] for answer in taken}) == 1
        assert (await front.post(said, {"content": "Other"})).json["message_id"] != taken[0].json["message_id"]
        await idle(front, conversation)
        rows = (await front.get(said)).json["rows"]
        assert sorted(row["content"]["text"] for row in rows if row["message_type"] == "user") == [
            "Hello",
            "Once",
            "Other",
        ]


ASKED = [
    ("GET", "", None), ("GET", "/messages", None), ("GET", "/events", None), ("GET", "/state", None),
    ("POST", "/messages", {"content": "x"}), ("POST", "/resume", {}), ("POST", "/cancel", None),
    ("POST", "/stop", None), ("POST", "/touch", None), ("POST", "/reset", None),
    ("PUT", "/state", {"version": 3}), ("DELETE", "", None),
]  # fmt: skip
FOR_ADMINS_ALONE = ("/state", "DELETE")


async def test_a_foreign_conversation_reads_like_one_that_is_not(serve: Callable[..., Any]) -> None:
    """Of the same tenant, of another, and of none; whether it runs or sleeps."""
    every = ("sagents:read", "sagents:write", "sagents:approve", "sagents:admin")
    strangers = [Person("ben", tenant="acme", scopes=every[:3]), Person("cat", tenant="other", scopes=every)]
    strangers.append(Person("dan", scopes=every))
    async with serve(desk_app()) as (front, _):
        await front.post("/conversations", {"agent": "echo", "conversation_id": "7", "message": "Hello"})
        for who in strangers:
            for method, path, body in ASKED:
                if {method, path} & {*FOR_ADMINS_ALONE} and "sagents:admin" not in who.scopes:
                    continue
                theirs = await front.ask(method, f"/conversations/7{path}", body, who=who)
                missing = await front.ask(method, f"/conversations/none{path}", body, who=who)
                assert (theirs.status, theirs.problem) == (404, "conversation-not-found"), (who, method, path)
                assert theirs.body == missing.body
        assert (await front.post("/conversations", {"conversation_id": "7"}, who=BEN)).status == 404
        assert (await front.get("/conversations", who=BEN)).json["conversations"] == []
        assert (await front.get("/conversations/7", who=BOSS)).status == 200
        await idle(front, "7")
        assert (await front.post("/conversations/7/stop")).json == {"outcome": "stopped"}
        assert (await front.get("/conversations/7", who=BEN)).status == 404
        assert (await front.get("/conversations/7")).json["status"] == "not_running"


async def test_ids_that_could_be_read_as_two_tenants_are_told_apart(serve: Callable[..., Any]) -> None:
    """By its id alone `conversation-x:conversation-1` is of the tenant `conversation-x`, and of none."""
    odd, nobody = Person("eve", tenant="conversation-x"), Person("eve")
    async with serve(desk_app()) as (front, _):
        await front.post("/conversations", {"agent": "echo", "conversation_id": "1"}, who=odd)
        other = f"x{front.suffix}:conversation-1"
        assert (await front.get("/conversations/1", who=odd)).json["agent_id"] == f"conversation-{other}"
        assert (await front.get(f"/conversations/{other}", who=nobody)).status == 404
        assert (await front.post("/conversations", {"conversation_id": other}, who=nobody)).status == 404


async def test_conversations_are_listed_in_pages_also_those_that_sleep(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        for number in range(3):
            begun = {"agent": "echo", "conversation_id": f"c{number}", "message": "Hello"}
            await front.post("/conversations", begun)
        await front.post("/conversations", {"agent": "echo", "conversation_id": "b", "message": "Hi"}, who=BEN)
        for number in range(3):
            await idle(front, f"c{number}")
        await front.post("/conversations/c1/stop")
        first = (await front.get("/conversations", query={"limit": 2})).json
        assert [one["id"] for one in first["conversations"]] == ["c0", "c1"]
        rest = (await front.get("/conversations", query={"limit": 2, "after": first["next"]})).json
        assert [one["id"] for one in rest["conversations"]] == ["c2"]
        assert rest["next"] is None
        assert {one["owner"] for one in (await front.get("/conversations", who=BOSS)).json["conversations"]} == {
            "ann",
            "ben",
        }


FOR_ADMINS: dict[str, dict[str, Any]] = {
    "a state": {"state": {}},
    "what others look at": {"lifecycle": {"presence": {"enabled": True, "topic": "conversation:8"}}},
    "a saver": {"lifecycle": {"auto_save": {"saver": "crm"}}},
}


async def test_only_an_admin_says_what_is_remembered_whose_viewers_are_shown_and_what_saves(
    serve: Callable[..., Any],
) -> None:
    """A state holds words of models and tools; `info` names the viewers of its topic; savers are the application's."""
    async with serve(desk_app()) as (front, _):
        for what, more in FOR_ADMINS.items():
            body = {"agent": "echo", "conversation_id": "7", **more}
            refused = await front.post("/conversations", body)
            assert (refused.status, refused.problem) == (403, "missing-scope"), what
            assert "sagents:admin" in refused.json["detail"]
            assert (await front.get("/conversations/7")).status == 404
        own = {"lifecycle": {"inactivity_timeout_ms": 60_000, "presence": {"enabled": True}}}
        assert (await front.post("/conversations", {"agent": "echo", "conversation_id": "7", **own})).status == 201
        topic = {"agent": "echo", "conversation_id": "8", **FOR_ADMINS["what others look at"]}
        assert (await front.post("/conversations", topic, who=BOSS)).status == 201


async def test_a_life_over_http(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        await front.post("/conversations", {"agent": "echo", "conversation_id": "7", "message": "Hello"})
        shown = await idle(front, "7")
        assert (shown["info"]["message_count"], shown["info"]["has_interrupt"]) == (2, False)
        assert (await front.post("/conversations/7/touch")).json == {"touched": False}
        cannot = await front.post("/conversations/7/cancel", {"reason": "enough"})
        assert (cannot.status, cannot.problem, cannot.json["agent_status"]) == (409, "cannot-cancel", "idle")
        assert (await front.post("/conversations/7/resume", {})).problem == "cannot-resume"
        state = (await front.get("/conversations/7/state", who=BOSS)).json
        assert [message["role"] for message in state["state"]["messages"]] == ["user", "assistant"]
        assert (await front.post("/conversations/7/stop", {"reason": "lunch"})).json == {"outcome": "stopped"}
        assert (await front.post("/conversations/7/messages", {"content": "Again"})).status == 202
        await idle(front, "7")
        key = {"Idempotency-Key": "k"}
        assert {(await front.post("/conversations/7/reset", headers=key)).status for _ in range(2)} == {202}
        assert (await idle(front, "7"))["info"]["message_count"] == 0
        assert (await front.ask("PUT", "/conversations/7/state", state, who=BOSS)).status == 202
        bad = await front.ask("PUT", "/conversations/7/state", {"version": 99}, who=BOSS)
        assert (bad.status, bad.problem) == (422, "invalid-state")
        assert (await front.get("/conversations/7/state", who=ANN)).problem == "missing-scope"


async def test_a_deleted_conversation_is_gone_whether_it_ran_or_slept_and_others_stay(
    serve: Callable[..., Any],
) -> None:
    async with serve(desk_app()) as (front, _):
        for name in ("runs", "sleeps", "other"):
            await front.post("/conversations", {"agent": "echo", "conversation_id": name, "message": "Hello"})
            await idle(front, name)
        await front.post("/conversations/sleeps/stop")
        for name in ("runs", "sleeps"):
            refused = await front.ask("DELETE", f"/conversations/{name}", who=ANN)
            assert (refused.status, refused.problem) == (403, "missing-scope")
            gone = await front.ask("DELETE", f"/conversations/{name}", who=BOSS)
            assert (gone.status, gone.json) == (200, {"outcome": "deleted"})
            for method, path, body in ASKED:
                missing = await front.ask(method, f"/conversations/{name}{path}", body, who=BOSS)
                assert (missing.status, missing.problem) == (404, "conversation-not-found"), (method, path)
        assert [one["id"] for one in (await front.get("/conversations")).json["conversations"]] == ["other"]
        assert (await front.post("/conversations/other/messages", {"content": "Still there?"})).status == 202
        again = await front.post("/conversations", {"agent": "echo", "conversation_id": "runs"})
        assert (again.status, again.json["started"]) == (201, True)
        assert (await front.get("/conversations/runs/messages")).json["rows"] == []


async def test_an_agent_of_an_unknown_name_is_refused_where_names_are_known(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGENTS_HTTP_AGENTS", "echo, desk")
    async with serve(desk_app()) as (front, _):
        assert (await front.get("/agents")).json == {"agents": ["desk", "echo"]}
        refused = await front.post("/conversations", {"agent": "ecco"})
        assert (refused.status, refused.problem) == (422, "agent-not-registered")
        assert (await front.post("/conversations", {})).problem == "agent-not-registered"
        assert (await front.get("/health", who=None)).json["status"] == "ok"


async def test_where_nobody_says_which_agents_there_are_the_list_says_that(serve: Callable[..., Any]) -> None:
    async with serve(desk_app()) as (front, _):
        assert (await front.get("/agents", who=CAT)).problem == "agents-unknown"
