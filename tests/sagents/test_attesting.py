"""Whose decisions are believed: a door's word holds for exactly what it was given for (issue 5, point 7)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sagents.attesting import SKEW, VALID_FOR, attest, attested
from sagents.commands import Answering
from sagents.decision_log import Remember
from sagents.decisions import Approve, Decision, Edit, Reject, Respond
from sagents.errors import Forbidden, InvalidInput
from sagents.principal import Attestation, Principal, Who
from tests.sagents.strategies import json_values

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANNA = Principal("anna", groups=("finance",), tenant="acme", expires_at=NOW + timedelta(hours=1))
APPROVAL = (Answering(decision=Approve(), interrupt_id="int_1"),)


class TwoKeys:
    """A signer with a new and an old key; "withdrawn" was one."""

    keys: Mapping[str, bytes] = {"new": b"n" * 32, "old": b"o" * 32}

    async def sign(self, data: bytes) -> tuple[str, str]:
        return "new", self._mac("new", data)

    async def verify(self, key_id: str, data: bytes, mac: str) -> bool:
        return key_id in self.keys and hmac.compare_digest(self._mac(key_id, data).encode(), mac.encode())

    async def knows(self, key_id: str) -> bool:
        return key_id in self.keys

    def _mac(self, key_id: str, data: bytes) -> str:
        return hmac.new(self.keys[key_id], data, hashlib.sha256).hexdigest()


SIGNER = TwoKeys()


def _covered(word: Attestation) -> bytes:
    """What a signature is over, written here as any other program would have to."""
    fields = word.model_dump(mode="json", exclude={"key_id", "mac"}, exclude_defaults=True)
    return b"sagents attestation 1\n" + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


async def believed(
    word: Attestation,
    decisions: tuple[Answering, ...] = APPROVAL,
    *,
    agent_id: str = "desk",
    tenant: str | None = "acme",
    now: datetime = NOW,
) -> Who:
    return await attested(SIGNER, word, agent_id, tenant, decisions, now)


async def word_of(
    principal: Principal = ANNA, decisions: tuple[Answering, ...] = APPROVAL, at: datetime = NOW
) -> Attestation:
    return await attest(SIGNER, principal, "desk", decisions, at)


@pytest.mark.asyncio
async def test_a_door_s_word_says_who_decided_when_and_where() -> None:
    at = NOW.astimezone(timezone(timedelta(hours=2)))
    word = await attest(SIGNER, ANNA, "desk", APPROVAL, at, channel="slack")
    assert await believed(word) == Who(subject="anna", groups=("finance",), tenant="acme", channel="slack", at=NOW)


@pytest.mark.asyncio
async def test_the_word_travels_as_json_and_with_fields_that_only_a_newer_door_knows() -> None:
    word = await word_of()
    newer = Attestation.model_validate({**word.model_dump(mode="json"), "device": "phone"})
    with pytest.raises(Forbidden, match="forged"):
        await believed(newer)
    resigned = newer.but(mac=(await SIGNER.sign(_covered(newer)))[1])
    assert (await believed(Attestation.model_validate_json(resigned.model_dump_json()))).subject == "anna"


@pytest.mark.asyncio
async def test_an_agent_without_a_tenant_takes_the_word_for_anybody_s() -> None:
    assert (await believed(await word_of(), tenant=None)).tenant == "acme"


REASONS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "unknown key": ({"key_id": "withdrawn"}, {}, "key 'withdrawn', which this worker does not know"),
    "signed by nobody": ({"key_id": "", "mac": ""}, {}, "key '', which this worker does not know"),
    "forged": ({"mac": "0" * 64}, {}, "forged, or changed"),
    "another key's": ({"key_id": "old"}, {}, "forged, or changed"),
    "another agent": ({}, {"agent_id": "other"}, "a decision on the agent 'desk', not on 'other'"),
    "another tenant": ({}, {"tenant": "globex"}, "anna belongs to another tenant"),
    "from the future": ({}, {"now": NOW - SKEW - timedelta(seconds=1)}, "from the future"),
    "too old": ({}, {"now": NOW + VALID_FOR}, "too old"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("changes", "asked", "reason"), REASONS.values(), ids=REASONS)
async def test_what_is_not_believed_is_refused_by_name(
    changes: dict[str, Any], asked: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Forbidden, match=reason):
        await believed((await word_of()).but(**changes), **asked)


@pytest.mark.asyncio
async def test_an_identity_that_had_expired_cannot_decide() -> None:
    gone = replace(ANNA, expires_at=NOW)
    with pytest.raises(Forbidden, match="identity of anna had expired"):
        await believed(await word_of(gone))


@pytest.mark.asyncio
async def test_an_identity_that_expires_after_the_decision_has_decided() -> None:
    late = NOW + timedelta(hours=20)
    assert (await believed(await word_of(), now=late)).subject == "anna"


@pytest.mark.asyncio
async def test_a_clock_that_is_a_little_ahead_is_forgiven() -> None:
    assert (await believed(await word_of(), now=NOW - SKEW)).subject == "anna"


@pytest.mark.asyncio
async def test_someone_of_no_tenant_is_foreign_to_an_agent_that_has_one() -> None:
    with pytest.raises(Forbidden, match="another tenant"):
        await believed(await word_of(Principal("anna")))


@pytest.mark.asyncio
@pytest.mark.parametrize("subject", ["unknown key", "forged", "too old"])
async def test_the_refusal_tells_which_agent_it_is_about(subject: str) -> None:
    changes, asked, _ = REASONS[subject]
    with pytest.raises(Forbidden) as refused:
        await believed((await word_of()).but(**changes), **asked)
    assert (refused.value.agent_id, refused.value.status) == ("desk", "interrupted")


@pytest.mark.asyncio
async def test_a_word_for_whatever_waits_is_neither_given_nor_taken() -> None:
    anything = (Answering(decision=Approve()),)
    with pytest.raises(InvalidInput, match="names its interrupt"):
        await word_of(decisions=anything)
    word = Attestation(principal=ANNA, agent_id="desk", at=NOW, about="")
    key_id, mac = await SIGNER.sign(_covered(word))
    with pytest.raises(Forbidden, match="names its interrupt"):
        await believed(word.but(key_id=key_id, mac=mac), anything)


@pytest.mark.asyncio
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("principal", "at", "reason"),
    [
        (Principal(""), NOW, "nobody"),
        (ANNA, NOW.replace(tzinfo=None), "time zone"),
        (replace(ANNA, expires_at=NOW.replace(tzinfo=None)), NOW, "time zone"),
    ],
)
async def test_a_door_gives_no_word_that_nobody_could_judge(principal: Principal, at: datetime, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        await word_of(principal, at=at)


@pytest.mark.asyncio
async def test_infinity_is_not_nothing() -> None:
    """As JSON both would be null: a signature of the one must not be good for the other."""
    nothing, infinite = (
        (Answering(decision=Edit({"amount": amount}), interrupt_id="int_1"),) for amount in (None, float("inf"))
    )
    with pytest.raises(Forbidden, match="another decision"):
        await believed(await word_of(decisions=nothing), infinite)


names = st.text(min_size=1, max_size=5)
moments = st.datetimes(NOW.replace(tzinfo=None) - timedelta(hours=23), NOW.replace(tzinfo=None), timezones=st.just(UTC))
decisions_: st.SearchStrategy[Decision] = st.one_of(
    st.just(Approve()),
    st.builds(Reject, st.none() | names),
    st.builds(Respond, json_values),
    st.builds(Edit, st.dictionaries(names, json_values, max_size=3)),
)
answerings = st.builds(
    Answering,
    decision=decisions_,
    interrupt_id=names,
    digest=st.none() | names,
    remember=st.none() | st.builds(Remember, scope=st.sampled_from(["run", "conversation", "user"])),
)
principals = st.builds(
    Principal,
    subject=names,
    groups=st.lists(names, max_size=2).map(tuple),
    tenant=st.none() | names,
    expires_at=st.none() | moments.map(lambda moment: moment + timedelta(days=2)),
)
several = st.lists(answerings, min_size=1, max_size=3).map(tuple)
changes_of_a_word = st.one_of(
    st.builds(lambda value: {"principal": value}, principals),
    st.builds(lambda value: {"channel": value}, names),
    st.builds(lambda value: {"agent_id": value}, names),
    st.builds(lambda value: {"at": value}, moments),
    st.builds(lambda value: {"about": value}, names),
    st.builds(lambda value: {"key_id": value}, names | st.just("old")),
    st.builds(lambda value: {"mac": value}, names),
    st.builds(lambda key, value: {f"extra_{key}": value}, names, names),
)


@pytest.mark.asyncio
@given(principals, several, moments, changes_of_a_word)
async def test_no_field_of_a_word_can_be_changed(
    principal: Principal, decisions: tuple[Answering, ...], at: datetime, changes: dict[str, Any]
) -> None:
    word = await word_of(principal, decisions, at)
    assert (await believed(word, decisions, tenant=principal.tenant)).subject == principal.subject
    changed = Attestation.model_validate({**word.model_dump(), **changes})
    assume(changed != word)
    with pytest.raises(Forbidden):
        await believed(changed, decisions, agent_id=changed.agent_id, tenant=changed.principal.tenant)


@pytest.mark.asyncio
@given(several, several)
async def test_a_word_is_good_for_no_other_decisions(
    decisions: tuple[Answering, ...], others: tuple[Answering, ...]
) -> None:
    assume([one.model_dump_json() for one in decisions] != [one.model_dump_json() for one in others])
    with pytest.raises(Forbidden, match="another decision"):
        await believed(await word_of(decisions=decisions), others)


@pytest.mark.asyncio
@given(answerings, answerings)
async def test_not_even_one_field_of_a_decision_can_be_changed(one: Answering, other: Answering) -> None:
    word = await word_of(decisions=(one,))
    for field in ("decision", "interrupt_id", "digest", "remember"):
        changed = one.but(**{field: getattr(other, field)})
        if changed.model_dump_json() != one.model_dump_json():
            with pytest.raises(Forbidden, match="another decision"):
                await believed(word, (changed,))
