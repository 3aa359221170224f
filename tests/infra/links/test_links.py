"""Whose link it is, how long it holds, and that nobody makes or changes one without a key."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest

from sagents.approvers import groups, users
from sagents.errors import InvalidInput
from sagents.principal import Principal
from sagents.terms import Escalation
from sagents_infra.identity import KeyRing
from sagents_infra.links.errors import LinkExpired, LinkForged
from sagents_infra.links.link import LONGEST, link_for
from sagents_infra.links.sealing import PURPOSE, opened, sealed
from tests.infra.links.questions import ALICE, NOW, question

KEYS = KeyRing.parse(f"new:{'b' * 43},old:{'a' * 43}")


@pytest.mark.asyncio
async def test_a_token_says_what_the_link_says() -> None:
    link = link_for(question(), ALICE)
    token = await sealed(KEYS, link)
    assert await opened(KEYS, token, NOW) == link
    assert {*token} <= {*"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."}


@pytest.mark.asyncio
async def test_links_of_an_older_key_hold_and_those_of_strange_keys_do_not() -> None:
    link = link_for(question(), ALICE)
    old, strange = KeyRing.parse(f"old:{'a' * 43}"), KeyRing.parse(f"new:{'c' * 43}")
    assert await opened(KEYS, await sealed(old, link), NOW) == link
    with pytest.raises(LinkForged):
        await opened(KEYS, await sealed(strange, link), NOW)
    with pytest.raises(LinkForged):
        await opened(old, await sealed(KEYS, link), NOW)  # a key that it does not know, or no longer


@pytest.mark.asyncio
async def test_a_token_that_was_changed_anywhere_is_none() -> None:
    token = await sealed(KEYS, link_for(question(), ALICE))
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(LinkForged):
            await opened(KEYS, changed, NOW)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "ü.ü.ü", "AAAA.AAAA.AAAA", "%00", "a" * 9000])
@pytest.mark.asyncio
async def test_what_is_no_token_is_forged(token: str) -> None:
    with pytest.raises(LinkForged):
        await opened(KEYS, token, NOW)


@pytest.mark.asyncio
async def test_the_subject_of_another_cannot_be_written_into_it() -> None:
    said, *rest = (await sealed(KEYS, link_for(question(), ALICE))).split(".")
    plain = urlsafe_b64decode(said + "=" * (-len(said) % 4)).replace(b"alice", b"mallo")
    with pytest.raises(LinkForged):
        await opened(KEYS, ".".join((urlsafe_b64encode(plain).decode().rstrip("="), *rest)), NOW)


@pytest.mark.asyncio
async def test_what_a_key_signed_for_another_purpose_is_no_link() -> None:
    link = link_for(question(), ALICE)
    _, mac = await KEYS.sign(link.model_dump_json().encode())
    real = (await sealed(KEYS, link)).split(".")
    assert (await KEYS.sign(PURPOSE + link.model_dump_json().encode()))[1] != mac
    forged = urlsafe_b64encode(mac.encode()).decode().rstrip("=")
    with pytest.raises(LinkForged):
        await opened(KEYS, f"{real[0]}.{real[1]}.{forged}", NOW)


@pytest.mark.asyncio
async def test_a_link_ends_at_its_moment() -> None:
    link = link_for(question(), ALICE, timedelta(days=2))
    token = await sealed(KEYS, link)
    assert await opened(KEYS, token, link.expires_at - timedelta(seconds=1)) == link
    with pytest.raises(LinkExpired, match="Ask whoever sent it"):
        await opened(KEYS, token, link.expires_at)


def test_a_link_does_not_outlive_the_question() -> None:
    soon = question(expires_at=NOW + timedelta(hours=1))
    assert link_for(soon, ALICE).expires_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize("lasting", [timedelta(), timedelta(days=-1), LONGEST + timedelta(seconds=1)])
def test_a_link_has_an_end_that_is_near_enough_to_be_revoked_until_then(lasting: timedelta) -> None:
    with pytest.raises(InvalidInput, match="30 days"):
        link_for(question(), ALICE, lasting)


def test_only_who_may_decide_gets_a_link() -> None:
    bob, owner, stranger = Principal("bob", tenant="acme"), Principal("dora", tenant="acme"), Principal("alice")
    for nobody in (bob, owner, stranger, Principal("alice", tenant="other")):
        with pytest.raises(InvalidInput, match="may not decide"):
            link_for(question(), nobody)
    with pytest.raises(InvalidInput, match="may not decide"):
        link_for(question(approvers=None, self_approval=False), owner)
    with pytest.raises(InvalidInput, match="for somebody"):
        link_for(question(), Principal("", tenant="acme"))
    assert link_for(question(approvers=groups("finance")), ALICE).groups == ("finance",)
    assert link_for(question(escalate=(Escalation(timedelta(days=1), users("bob")),)), bob).subject == "bob"


def test_the_same_slot_makes_the_same_link_and_no_other_is_like_it() -> None:
    first, again = (link_for(question(), ALICE, slot="acme:7:requested") for _ in range(2))
    assert first == again
    assert timedelta(days=3) < first.expires_at - NOW <= timedelta(days=4)  # also of a question that is old
    assert link_for(question(created_at=NOW - timedelta(days=8)), ALICE, slot="acme:7:requested") == first
    assert link_for(question(), ALICE, slot="acme:7:reminded").id != first.id
    assert link_for(question(), ALICE).id != link_for(question(), ALICE).id
