"""The protocol over real WebSockets on loopback, with agents on a real Temporal server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sagents.principal import Principal
from sagents_infra.http.identity import READ, Caller
from sagents_infra.sockets.admission import issue
from tests.infra.sockets.conftest import Site

pytestmark = pytest.mark.asyncio


async def test_a_conversation_streams_its_tokens_and_its_events_in_order(local: Callable[..., Any]) -> None:
    async with local() as site, site.browser() as browser:
        agent_id = await site.start()
        await browser.say("subscribe", conversation="7")
        assert await browser.answer("subscribed") == {
            "type": "subscribed", "conversation": "7", "agent_id": agent_id, "after": 0
        }  # fmt: skip
        await browser.say("send", conversation="7", text="Hello", id="m1")
        sent = await browser.answer("sent")
        assert (sent["conversation"], sent["id"]) == ("7", "m1")
        said = await browser.happened("llm_message")
        assert browser.text == "This is the answer 0."
        assert "system_prompt" not in json.dumps(browser.frames)
        assert said["agent_id"] == agent_id
        assert browser.ids == list(range(1, len(browser.ids) + 1))
        rows = (await site.client.get("/conversations/7/messages")).json()["rows"]
        assert rows[0]["id"].startswith(sent["message_id"])


async def test_what_is_sent_again_counts_once_by_whichever_way_it_comes(local: Callable[..., Any]) -> None:
    async with local() as site, site.browser() as browser:
        await site.start()
        for _ in range(2):
            await browser.say("send", conversation="7", text="Once", id="m1")
        first, second = await browser.answer("sent"), await browser.answer("sent", 2)
        by_http = await site.client.post(
            "/conversations/7/messages", json={"content": "Once"}, headers={"Idempotency-Key": "m1"}
        )
        assert first["message_id"] == second["message_id"] == by_http.json()["message_id"]


async def test_who_comes_back_with_the_last_id_has_no_gap_and_no_repeat(local: Callable[..., Any]) -> None:
    async with local() as site:
        await site.start(message="Hello")
        async with site.browser() as before:
            await before.say("subscribe", conversation="7")
            await before.happened("llm_message")
        while_away = await site.client.post("/conversations/7/messages", json={"content": "More"})
        assert while_away.status_code == 202
        async with site.browser(last=before.last) as after:
            await after.say("subscribe", conversation="7", after=before.last)
            await after.happened("llm_message")
            await after.say("send", conversation="7", text="Still more", id="m3")
            await after.happened("llm_message", 2)
        told = [event["id"] for frame in after.of("events") for event in frame["events"] if event.get("id")]
        assert told == list(range(before.last + 1, after.last + 1))
        assert before.ids + after.ids == list(range(1, after.last + 1))


async def test_who_is_not_believed_is_turned_away_with_a_word(local: Callable[..., Any]) -> None:
    async with local() as site:
        used = await site.ticket()
        async with site.browser(used):
            pass
        past = datetime.now(UTC) - timedelta(seconds=61)
        expired, _ = await issue(site.env.signer, Caller(Principal("ann"), frozenset({READ})), past)
        why = {used: "used before", expired: "expired", "abc": "no ticket", "": "A ticket is needed"}
        for ticket, reason in why.items():
            with pytest.raises(InvalidStatus) as refused:
                await connect(site.address(ticket))
            assert refused.value.response.status_code == 401
            assert reason in json.loads(refused.value.response.body)["detail"]


async def test_pages_from_elsewhere_and_other_addresses_are_turned_away(local: Callable[..., Any]) -> None:
    async with local(issuer=None) as site:
        with pytest.raises(InvalidStatus) as refused:
            await connect(site.address(), additional_headers={"Origin": "https://evil.example"})
        assert refused.value.response.status_code == 403
        with pytest.raises(InvalidStatus) as missed:
            await connect(site.address().replace("/ws", "/elsewhere"))
        assert missed.value.response.status_code == 404
        async with site.browser("") as browser:  # of this machine, where no token is asked for
            await browser.say("ping")
            await browser.answer("pong")


async def test_only_ones_own_conversations_are_there(local: Callable[..., Any]) -> None:
    async with local() as site:
        await site.start()
        mine, theirs = {"type": "subscribe", "conversation": "7"}, {"type": "send", "conversation": "7", "id": "m1"}
        async with site.browser(await site.ticket("ben", scopes=("sagents:read", "sagents:write"))) as stranger:
            await stranger.say("subscribe", conversation="7")
            assert await stranger.problem() == ("conversation-not-found", mine)
            await stranger.say("send", conversation="7", text="Hello", id="m1")
            assert await stranger.problem(2) == ("conversation-not-found", theirs)
        async with site.browser(await site.ticket(scopes=("sagents:read",))) as reader:
            await reader.say("subscribe", conversation="7")
            await reader.answer("subscribed")
            await reader.say("send", conversation="7", text="Hello", id="m1")
            assert await reader.problem() == ("missing-scope", theirs)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("no JSON", "malformed-body"),
        ("[]", "invalid-request"),
        ("{}", "invalid-request"),
        ('{"type": "shout"}', "invalid-request"),
        ('{"type": "subscribe", "conversation": "7", "after": -1}', "invalid-request"),
        ('{"type": "subscribe", "conversation": "a/b"}', "invalid-request"),
        ('{"type": "send", "conversation": "7", "text": "x"}', "invalid-request"),
        ('{"type": "ping", "more": 1}', "invalid-request"),
        (json.dumps({"type": "send", "conversation": "7", "text": "x" * 32_000, "id": "m1"}), "too-large"),
    ],
    ids=["no json", "a list", "nothing", "unknown", "before the first", "id", "no id", "more", "too long"],
)
async def test_what_does_not_fit_is_answered_and_the_connection_stays(
    local: Callable[..., Any], text: str, kind: str
) -> None:
    async with local() as site, site.browser() as browser:
        await browser.say_text(text)
        assert (await browser.problem())[0] == kind
        await browser.say("ping")
        await browser.answer("pong")


async def test_nothing_is_said_after_the_end_of_the_token_but_that_it_has_ended(local: Callable[..., Any]) -> None:
    async with local() as site:
        await site.start()
        ticket = await site.ticket(valid_for=timedelta(seconds=3))
        async with connect(site.address(ticket)) as socket:
            await socket.send(json.dumps({"type": "subscribe", "conversation": "7"}))
            async with asyncio.timeout(30):
                heard = [json.loads(message) async for message in ended_by_server(socket)]
            assert heard[0]["type"] == "subscribed"
            assert heard[-1]["problem"]["type"].endswith("connection-ended")
            assert socket.close_code == 1008


async def ended_by_server(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    """What comes until the server closes."""
    with suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


async def test_somebody_looks_while_they_are_connected(local: Callable[..., Any]) -> None:
    """L-29, L-40: joined by subscribing, left by unsubscribing and by going."""
    async with local() as site:
        agent_id = await site.start()
        for leave in (True, False):
            async with site.browser() as browser:
                await browser.say("subscribe", conversation="7")
                await looks(site, agent_id, ["ann"])
                if leave:
                    await browser.say("unsubscribe", conversation="7")
                    await browser.answer("unsubscribed")
                    await looks(site, agent_id, [])
            await looks(site, agent_id, [])


async def test_who_is_cut_off_has_left_and_their_conversation_goes_on(local: Callable[..., Any]) -> None:
    async with local() as site:
        agent_id = await site.start()
        socket = await connect(site.address(await site.ticket()))
        await socket.send(json.dumps({"type": "subscribe", "conversation": "7"}))
        await looks(site, agent_id, ["ann"])
        socket.transport.abort()
        await looks(site, agent_id, [])
        async with site.browser() as browser:
            await browser.say("subscribe", conversation="7")
            await browser.say("send", conversation="7", text="Hello", id="m1")
            await browser.happened("llm_message")


async def looks(site: Site, agent_id: str, who: list[str]) -> None:
    """Wait until the presence, and with it the agent, knows these viewers."""
    topic = await topic_of(site, agent_id)
    async with asyncio.timeout(30):
        while True:
            if [one.viewer for one in (await site.env.presence.viewers(topic)).present] == who:
                return
            await asyncio.sleep(0.02)


async def topic_of(site: Site, agent_id: str) -> str:
    info = (await site.client.get("/conversations/7")).json()["info"]
    return str(info["topic"])


async def test_who_asks_too_often_is_told_when_to_come_back(local: Callable[..., Any]) -> None:
    async with local(rate=0.5, burst=3) as site, site.browser() as browser:
        for _ in range(5):
            await browser.say("ping")
        assert (await browser.problem())[0] == "rate-limited"
        assert len(browser.of("pong")) == 3
