"""The WebSocket API behind API Gateway: its events through the function, DynamoDB, and a real Temporal server."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents.client import agent_id_for
from sagents.client.line import Line
from sagents.events import Event
from sagents.ports import News, Save
from sagents.viewers import Viewers
from sagents_infra.http.identity import READ
from sagents_infra.sockets import gateway as gateway_module
from sagents_infra.sockets import telling
from sagents_infra.sockets.admission import issue
from tests.infra.sockets.cloud import Cloud, frame

pytestmark = pytest.mark.asyncio


async def looks(cloud: Cloud, agent_id: str) -> Viewers:
    return await cloud.presence.viewers(await cloud.server.topic(agent_id))


async def test_a_conversation_streams_its_tokens_and_its_events_in_order(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud() as cloud, cloud.browser() as browser:
        agent_id = await cloud.start()
        await browser.say("subscribe", conversation="7")
        assert (await browser.answer("subscribed"))["agent_id"] == agent_id
        await browser.say("send", conversation="7", text="Hello", id="m1")
        assert (await browser.answer("sent"))["id"] == "m1"
        await browser.happened("llm_message")
        assert browser.text == "This is the answer 0."
        assert browser.ids == list(range(1, browser.last + 1))
        assert "system_prompt" not in json.dumps(browser.frames)


async def test_who_comes_back_with_the_last_id_has_no_gap_and_no_repeat(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud() as cloud:
        await cloud.start()
        async with cloud.browser() as before:
            await before.say("subscribe", conversation="7")
            await before.say("send", conversation="7", text="Hello", id="m1")
            await before.happened("llm_message")
        async with cloud.browser() as other:
            await other.say("send", conversation="7", text="While you were away", id="m2")
        async with cloud.browser(last=before.last) as after:
            await after.say("subscribe", conversation="7", after=before.last)
            await after.happened("llm_message")
            await after.say("send", conversation="7", text="More", id="m3")
            await after.happened("llm_message", 2)
        assert before.ids + after.ids == list(range(1, after.last + 1))


async def test_a_used_or_expired_ticket_opens_nothing(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud() as cloud:
        used = await cloud.ticket()
        past = datetime.now(UTC) - timedelta(seconds=61)
        expired, _ = await issue(cloud.env.signer, cloud.caller(), past)
        async with cloud.browser(used):
            pass
        for ticket, why in {used: "used before", expired: "expired", "": "no ticket"}.items():
            answer = await cloud.call("$connect", "c9", ticket=ticket)
            assert answer["statusCode"] == 401
            assert why in json.loads(answer["body"])["detail"]
        assert await cloud.connections.get("c9") is None


async def test_only_ones_own_conversations_are_there(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud() as cloud:
        agent_id = await cloud.start()
        async with cloud.browser(await cloud.ticket("ben")) as stranger:
            await stranger.say("subscribe", conversation="7")
            assert (await stranger.problem())[0] == "conversation-not-found"
            await stranger.say("send", conversation="7", text="Hello", id="m1")
            assert (await stranger.problem(2))[0] == "conversation-not-found"
        async with cloud.browser(await cloud.ticket(scopes=(READ,))) as reader:
            await reader.say("send", conversation="7", text="Hello", id="m1")
            assert (await reader.problem())[0] == "missing-scope"
        assert await cloud.connections.watching(agent_id) == ()


async def test_somebody_looks_from_subscribing_until_they_go(in_cloud: Callable[..., Any]) -> None:
    """L-29, L-31: each way of going is one way to leave."""
    async with in_cloud() as cloud:
        agent_id = await cloud.start()
        for goodbye in ("unsubscribe", "go"):
            async with cloud.browser() as browser:
                await browser.say("subscribe", conversation="7")
                assert [one.viewer for one in (await looks(cloud, agent_id)).present] == ["ann"]
                if goodbye == "unsubscribe":
                    await browser.say("unsubscribe", conversation="7")
                    await browser.answer("unsubscribed")
                    assert not await looks(cloud, agent_id)
                    assert await cloud.connections.watching(agent_id) == ()
            assert not await looks(cloud, agent_id)


async def test_pings_renew_the_lease_in_the_store_and_ask_nothing_of_temporal(
    in_cloud: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no history grows by them, and no worker is invoked."""
    async with in_cloud() as cloud, cloud.browser() as browser:
        agent_id = await cloud.start()
        await browser.say("subscribe", conversation="7")
        topic = await cloud.server.topic(agent_id)
        leases = [(await cloud.presence.viewers(topic)).until]
        for call in ("ask", "signal", "update", "runs"):
            monkeypatch.setattr(Line, call, out_of_reach)
        for _ in range(3):
            await browser.say("ping")
            leases.append((await cloud.presence.viewers(topic)).until)
        ends = [lease.isoformat() for lease in leases if lease is not None]
        assert ends == sorted({*ends})
        assert [pong["until"] for pong in browser.of("pong")] == ends[1:]
        monkeypatch.undo()


def out_of_reach(*_: object, **__: object) -> Any:
    raise AssertionError("Temporal was asked")


async def test_a_lost_connection_is_gone_with_its_lease(in_cloud: Callable[..., Any]) -> None:
    """L-40: a browser that dies says no goodbye; nobody is a viewer for ever."""
    async with in_cloud() as cloud:
        agent_id = await cloud.start()
        cloud.door.lease = timedelta(seconds=2)
        async with cloud.browser(goodbye=False) as browser:
            await browser.say("subscribe", conversation="7")
            assert await looks(cloud, agent_id)
            assert [one.who.subject for one in await cloud.connections.watching(agent_id)] == ["ann"]
        async with asyncio.timeout(30):
            while True:
                if not await looks(cloud, agent_id) and not await cloud.connections.watching(agent_id):
                    break
                await asyncio.sleep(0.1)


async def test_a_connection_whose_time_is_over_is_told_so_and_closed(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud() as cloud:
        await cloud.start()
        async with cloud.browser(await cloud.ticket(valid_for=1.5), goodbye=False) as browser:
            await browser.say("subscribe", conversation="7")
            async with asyncio.timeout(30):
                while not browser.of("problem"):
                    await browser.say("ping")
                    await asyncio.sleep(0.1)
            assert (await browser.problem())[0] == "connection-ended"
            (connection_id,) = {*cloud.gateway.posts}
            assert not cloud.gateway.is_connected(connection_id)


async def test_a_connection_that_is_gone_is_forgotten_by_whoever_posts(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud() as cloud:
        agent_id = await cloud.start()
        async with cloud.browser(goodbye=False) as browser:
            await browser.say("subscribe", conversation="7")
        async with cloud.browser() as other:
            await other.say("subscribe", conversation="7")
            await other.say("send", conversation="7", text="Hello", id="m1")
            await other.happened("llm_message")
            assert len(await cloud.connections.watching(agent_id)) == 1


async def test_a_long_log_comes_in_parts_and_a_long_event_as_a_reference(
    in_cloud: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "MOST_TOLD", 3)
    async with in_cloud() as cloud:
        agent_id = await cloud.start()
        async with cloud.browser() as browser:
            taken = await cloud.server.add_message(agent_id, "x" * 40_000, sender="ann")
            await written(cloud, agent_id, "llm_message")
            await browser.say("subscribe", conversation="7")
            assert (await browser.answer("more"))["after"] >= 3
            fetch = await browser.answer("fetch")
        (event,) = await cloud.env.store.events(agent_id, after=fetch["id"] - 1, limit=1)
        assert (event.type, fetch["agent_id"]) == ("display_message_saved", agent_id)
        assert str(taken.id) in event.model_dump_json()


async def written(cloud: Cloud, agent_id: str, type: str) -> None:
    """Wait until such an event is in the log."""
    async with asyncio.timeout(30):
        while True:
            if type in [event.type for event in await cloud.env.store.events(agent_id)]:
                return
            await asyncio.sleep(0.05)


async def test_what_cannot_be_read_is_answered(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud() as cloud, cloud.browser() as browser:
        for text, kind in {
            "no JSON": "malformed-body",
            frame("shout"): "invalid-request",
            frame("send", conversation="7", text="x" * 32_000, id="m"): "too-large",
        }.items():
            await browser.say_text(text)
            await browser.until(lambda me: me.of("problem"))
            assert (await browser.problem())[0] == kind
            browser.frames.clear()


async def test_who_subscribes_is_watching_before_the_log_is_read(
    in_cloud: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what is stored meanwhile comes by the log, or live, or twice; never not at all."""
    watching = list[int]()

    async def pages(desk: Any, agent_id: str, after: int) -> Any:
        watching.append(len(await desk.outside.connections.watching(agent_id)))
        async for page in telling.pages(desk, agent_id, after):
            yield page

    monkeypatch.setattr(gateway_module, "pages", pages)
    async with in_cloud() as cloud, cloud.browser() as browser:
        await cloud.start()
        await browser.say("subscribe", conversation="7")
        await browser.answer("subscribed")
    assert watching == [1]


async def test_pings_and_reading_go_on_while_temporal_is_away(in_cloud: Callable[..., Any]) -> None:
    async with in_cloud(away=True) as cloud, cloud.browser() as browser:
        agent_id, store = agent_id_for("7", cloud.caller().scope), cloud.env.store
        await store.take_over(agent_id, "run", 0)
        head = json.dumps({"head": {"agent": {"name": "echo", "scope": cloud.caller().scope}}})
        await store.save(Save(agent_id=agent_id, workflow_run_id="run", seq=0, head=head))
        told = Event(agent_id=agent_id, type="status_changed", at=datetime.now(UTC), data={"status": "idle"})
        await store.append(agent_id, [News(slot="s", event=told)], "run")
        await browser.say("subscribe", conversation="7")
        assert [event["type"] for event in (await browser.answer("events"))["events"]] == ["status_changed"]
        await browser.say("send", conversation="7", text="Hello", id="m1")
        about = {"type": "send", "conversation": "7", "id": "m1"}
        assert await browser.problem() == ("unavailable", about)
        await browser.say("ping")
        await browser.answer("pong")
