"""Notices to programs and chats: signed, tried again for a moment, and whole."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sagents_infra.dev_server import free_port
from sagents_infra.links.sealing import opened
from sagents_infra.notify.letters import Letter, letter_of
from sagents_infra.notify.posting import PAUSES, TIMEOUT
from sagents_infra.notify.sending import NotSent
from sagents_infra.notify.signatures import FRESH, genuine, signed
from sagents_infra.notify.webhook import Slack, Webhook, blocks
from tests.infra.links.questions import NOW, question
from tests.infra.notify.receiving import BASE, INVITING, KEYS, SECRET, notice, receiver

pytestmark = pytest.mark.asyncio


async def a_letter() -> Letter:
    return letter_of(notice(), await INVITING.links(notice()))


async def test_a_program_gets_the_notice_its_links_and_a_signature() -> None:
    with receiver() as program:
        await Webhook(f"{program.url}/hook", SECRET).send(await a_letter())
    [(path, headers, body)] = program.got
    assert (path, headers["Sagents-Notice-Id"]) == ("/hook", "acme:7:int_call_7:requested")
    assert genuine(SECRET, headers, body)
    told = json.loads(body)
    assert (told["kind"], told["tool"], told["risk"], told["tenant"]) == ("requested", "refund", "high", "acme")
    [link] = told["links"]
    assert link["subject"] == "alice"
    made = await opened(KEYS, link["url"].removeprefix(f"{BASE}/approvals/"), NOW)
    assert (made.subject, made.tenant, made.interrupt_id) == ("alice", "acme", "int_call_7")
    assert b"4000" not in body  # no arguments


async def test_a_repetition_is_the_same_but_for_its_time() -> None:
    with receiver() as program:
        for _ in range(2):
            await Webhook(program.url, SECRET).send(await a_letter())
    first, second = program.got
    assert (first[2], first[1]["Sagents-Notice-Id"]) == (second[2], second[1]["Sagents-Notice-Id"])


async def test_a_signature_is_of_this_body_this_secret_and_this_moment() -> None:
    now, body = datetime.now(UTC), b'{"id": 1}'
    headers = signed(SECRET, body, now)
    assert genuine(SECRET, {name.lower(): value for name, value in headers.items()}, body, now)
    assert genuine(SECRET, headers, body, now + FRESH - timedelta(seconds=2))
    assert not genuine(SECRET, headers, body, now + FRESH + timedelta(seconds=2))
    assert not genuine(SECRET, headers, body, now - FRESH - timedelta(seconds=2))
    assert not genuine("other", headers, body, now)
    assert not genuine(SECRET, headers, body + b" ", now)
    moved = str(int(now.timestamp()) + 1)
    for wrong in ({}, {"Sagents-Timestamp": moved}, {"Sagents-Timestamp": "²"}, {"Sagents-Signature": "v1=ü"}):
        assert not genuine(SECRET, {**headers, **wrong} if wrong else {}, body, now)


@pytest.mark.parametrize("answers", [(503,), (500, 429)])
async def test_a_program_that_is_away_for_a_moment_gets_it(answers: tuple[int, ...]) -> None:
    with receiver(*answers) as program:
        await Webhook(program.url, SECRET).send(await a_letter())
    assert len(program.got) == len(answers) + 1
    assert len({headers["Sagents-Notice-Id"] for _, headers, _ in program.got}) == 1


@pytest.mark.parametrize(("answers", "tries"), [((503,) * 9, 3), ((400,), 1), ((302,), 1), ((401,), 1)])
async def test_what_is_not_taken_is_given_up(answers: tuple[int, ...], tries: int) -> None:
    with receiver(*answers) as program, pytest.raises(NotSent, match=str(answers[0])):
        await Webhook(f"{program.url}/secret-path", SECRET).send(await a_letter())
    assert [path for path, _, _ in program.got] == ["/secret-path"] * tries  # and nowhere else it was sent to


async def test_an_address_where_nobody_is_costs_a_moment_and_shows_no_secret() -> None:
    way = Slack(f"http://127.0.0.1:{free_port()}/services/T0/B0/secret")
    with pytest.raises(NotSent, match="does not answer") as refused:
        await way.send(await a_letter())
    assert "secret" not in f"{refused.value}{way!r}{Webhook(way.url, SECRET)!r}"
    assert 3 * TIMEOUT + sum(PAUSES) < 3  # what the saving of an agent waits for notices


async def test_a_chat_gets_blocks_with_a_button_for_each_who_decides() -> None:
    with receiver() as chat:
        await Slack(f"{chat.url}/services/x").send(await a_letter())
    [message] = chat.bodies
    assert message["text"] == "refund waits for a decision"
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "actions"]
    [button] = message["blocks"][2]["elements"]
    assert button["text"]["text"] == "Decide as alice"
    assert button["url"].startswith(f"{BASE}/approvals/")
    assert len(button["url"]) < 3000


async def test_words_of_a_model_are_no_links_and_call_nobody() -> None:
    hostile = question(message="<!channel> <https://evil.example|Approve here> \u202e&", risk="`<@U1>`")
    letter = replace(letter_of(notice(hostile)), links=())
    text = json.dumps(blocks(letter), ensure_ascii=False)
    assert "<" not in text
    assert "\u202e" not in text
    assert "`sagents approvals show int_call_7`" in text
