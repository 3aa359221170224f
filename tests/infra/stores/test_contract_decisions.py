"""What every `Store` promises of people's decisions: the decision log, remembered rules, and claims (DESIGN 8)."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from sagents.decision_log import Entry, EntryKind, Row, broken
from sagents.decisions import Edit
from sagents.errors import Superseded
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt
from sagents.ports import Base, Claim, Save, Segment, Store
from sagents.principal import Who
from sagents.rules import Rule, rule_key

AGENT, OTHER = "conversation-1", "conversation-2"
RUN, OTHER_RUN = "workflow-run-1", "workflow-run-2"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BROKEN = ["", "no JSON", "[]", "{}", '{"slot": 5, "id": 5}']


def voted(slot: str, **fields: Any) -> str:
    fields = {"kind": EntryKind.VOTED, "interrupt_id": "int_1", "at": NOON, **fields}
    return Entry(slot=slot, **fields).model_dump_json()


def a_rule(id: str, key: str = f"conversation:{AGENT}", **fields: Any) -> str:
    return Rule(id=id, key=key, scope="conversation", tool="delete_all", at=NOON, **fields).model_dump_json()


def asks(id: str, agent_id: str = AGENT, **fields: Any) -> str:
    return InboxItem(agent_id=agent_id, interrupt=Interrupt(id=id, **{"created_at": NOON, **fields})).model_dump_json()


def a_save(seq: int = 0, *, agent_id: str = AGENT, run: str = RUN, **fields: Any) -> Save:
    return Save(agent_id=agent_id, workflow_run_id=run, seq=seq, head="{}", **fields)


async def log_of(store: Store, agent_id: str = AGENT) -> list[Row]:
    return [Row.model_validate_json(row) for row in await store.logged(agent_id)]


async def slots(store: Store, agent_id: str = AGENT) -> list[str]:
    """The slots in the log, whose numbers rise by one each, whose rows follow from each other."""
    rows = await log_of(store, agent_id)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert broken(rows) is None
    return [row.entry.slot for row in rows]


async def rule_ids(store: Store, keys: Iterable[str] | None = None) -> list[str]:
    found = await store.rules(keys if keys is None else list(keys))
    return [Rule.model_validate_json(rule).id for rule in found]


@pytest_asyncio.fixture(autouse=True)
async def owned(store: Store) -> None:
    """RUN is the writer of both agents."""
    for agent in (AGENT, OTHER):
        await store.take_over(agent, RUN, 0)


# The decision log


@pytest.mark.asyncio
async def test_a_save_writes_its_entries_whole_with_its_head(store: Store) -> None:
    """Who decided what, in which group, when, by which door, with arguments before and after (B-84)."""
    anna = Who(subject="anna", groups=("ops",), channel="api", at=NOON)
    entry = voted("v1", who=anna, decision=Edit({"n": 2}), arguments={"n": 1, "text": "Grüße 🌍"}, after={"n": 2})
    await store.save(a_save(entries=(entry, voted("v2"))))
    first, second = await log_of(store)
    assert first.entry == Entry.model_validate_json(entry)
    assert (first.agent_id, first.number, first.previous) == (AGENT, 1, "")
    assert (second.number, second.previous) == (2, first.hash)
    assert broken([first, second]) is None


@pytest.mark.asyncio
async def test_a_slot_that_is_logged_keeps_its_entry_whoever_brings_it_again(store: Store) -> None:
    # save 0   ──v1──────────────→ 1
    # save 1   ─────v1', v2──────→ 1, 2
    # log      ─────────v2', v3──→ 1, 2, 3
    await store.save(a_save(0, entries=(voted("v1", note="first"),)))
    await store.save(a_save(1, entries=(voted("v1", note="again"), voted("v2", note="first"))))
    await store.log(AGENT, [voted("v2", note="again"), voted("v3", note="first"), voted("v3", note="twice")], RUN)
    assert await slots(store) == ["v1", "v2", "v3"]
    assert {row.entry.note for row in await log_of(store)} == {"first"}


@pytest.mark.asyncio
async def test_a_retry_of_a_save_repeats_nothing_and_loses_nothing_that_it_knows_more(store: Store) -> None:
    """Its head is left out; were its entries too, a decision that is acted on might stand nowhere."""
    await store.save(a_save(3, entries=(voted("v1"),), rules=(a_rule("r1"),)))
    retry = a_save(3, entries=(voted("v1"), voted("v2")), rules=(a_rule("r1"), a_rule("r2")))
    await store.save(retry)
    await store.save(retry)
    assert await slots(store) == ["v1", "v2"]
    assert await rule_ids(store) == ["r1", "r2"]


@pytest.mark.parametrize("late", ["seq", "base", "run"])
@pytest.mark.asyncio
async def test_a_save_that_is_refused_leaves_no_entry_and_no_rule(store: Store, late: str) -> None:
    await store.save(a_save(3))
    save = a_save(3, entries=(voted("v1"),), rules=(a_rule("r1"),))
    segment = Segment(base=Base(position=1, digest="a"), parent=Base(), operations="[]")
    if late == "seq":
        save = save.but(seq=2)
    if late == "base":
        save = save.but(base=segment.base, segment=segment)
    if late == "run":
        await store.take_over(AGENT, OTHER_RUN, 1)
    with pytest.raises(Superseded):
        await store.save(save)
    assert (await slots(store), await rule_ids(store)) == ([], [])


@pytest.mark.parametrize("entries", [[voted("late")], []], ids=["late", "nothing"])
@pytest.mark.asyncio
async def test_who_is_not_the_writer_logs_nothing(store: Store, entries: list[str]) -> None:
    await store.take_over(AGENT, OTHER_RUN, 1)
    with pytest.raises(Superseded) as refused:
        await store.log(AGENT, entries, RUN)
    with pytest.raises(Superseded):
        await store.log("nobody", entries, RUN)
    assert refused.value.current == OTHER_RUN
    assert await slots(store) == []


@pytest.mark.parametrize("entry", BROKEN)
@pytest.mark.asyncio
async def test_an_entry_that_says_no_slot_takes_its_whole_save_along(store: Store, entry: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        await store.save(a_save(entries=(voted("v1"), entry), rules=(a_rule("r1"),)))
    with pytest.raises(ValueError, match="validation error"):
        await store.log(AGENT, [voted("v1"), entry], RUN)
    row = await store.load(AGENT)
    assert row is not None
    assert (row.head, await slots(store), await rule_ids(store)) == (None, [], [])


@pytest.mark.asyncio
async def test_numbers_rise_on_when_the_next_workflow_run_takes_over(store: Store) -> None:
    await store.save(a_save(entries=(voted("v1"),)))
    await store.take_over(AGENT, OTHER_RUN, 1)
    await store.save(a_save(run=OTHER_RUN, entries=(voted("v1"), voted("v2"))))
    assert await slots(store) == ["v1", "v2"]


@pytest.mark.asyncio
async def test_the_log_is_read_after_any_number_in_pages(store: Store) -> None:
    await store.log(AGENT, [voted(f"v{n}") for n in range(1, 701)], RUN)
    numbers = [Row.model_validate_json(row).number for row in await store.logged(AGENT)]
    assert numbers == list(range(1, 501))
    page = [Row.model_validate_json(row).entry.slot for row in await store.logged(AGENT, after=7, limit=2)]
    assert page == ["v8", "v9"]
    assert len(await store.logged(AGENT, after=500)) == 200
    assert await store.logged(AGENT, after=700) == ()
    assert await store.logged("unknown") == ()


@pytest.mark.asyncio
async def test_every_agent_with_a_log_is_found_until_it_is_deleted(store: Store) -> None:
    for agent_id in ("b", "a"):
        await store.take_over(agent_id, RUN, 0)
        await store.log(agent_id, [voted("v1"), voted("v2")], RUN)
    assert await store.logs() == ("a", "b")
    await store.delete("a")
    assert await store.logs() == ("b",)


@pytest.mark.asyncio
async def test_writers_at_once_make_one_chain(store: Store) -> None:
    batches = [[voted(f"v{n}-{k}") for k in range(5)] for n in range(30)]
    await asyncio.gather(*(store.log(AGENT, batch, RUN) for batch in batches))
    assert len(set(await slots(store))) == 150


@pytest.mark.asyncio
async def test_each_agent_has_its_own_log(store: Store) -> None:
    for agent in (AGENT, OTHER):
        await store.log(agent, [voted("v1", note=agent)], RUN)
    for agent in (AGENT, OTHER):
        assert await slots(store, agent) == ["v1"]
        assert [(row.agent_id, row.entry.note) for row in await log_of(store, agent)] == [(agent, agent)]


@pytest.mark.asyncio
async def test_what_a_newer_version_adds_to_an_entry_is_kept_and_covered(store: Store) -> None:
    entry = voted("v1")[:-1] + ', "weather": {"sun": 1.0}, "decision": {"type": "approve", "mood": "fine"}}'
    await store.log(AGENT, [entry], RUN)
    (text,) = await store.logged(AGENT)
    assert '"mood":"fine"' in text
    assert broken([Row.model_validate_json(text)]) is None
    forged = Row.model_validate_json(text.replace('"sun":1.0', '"sun":0.0'))
    assert broken([forged]) == "row 1 was changed after it was written"


# Remembered rules


@pytest.mark.asyncio
async def test_rules_are_found_by_their_keys_oldest_first(store: Store) -> None:
    of_anna = rule_key("user", agent_id=AGENT, run_id="run_1", owner="anna", tenant=None) or ""
    await store.save(a_save(rules=(a_rule("r1"), a_rule("r2", of_anna))))
    await store.save(a_save(agent_id=OTHER, rules=(a_rule("r3", of_anna), a_rule("r4", "run:x"))))
    assert await rule_ids(store) == ["r1", "r2", "r3", "r4"]
    assert await rule_ids(store, [of_anna, f"conversation:{AGENT}"]) == ["r1", "r2", "r3"]
    assert await rule_ids(store, ["run:x", "unknown"]) == ["r4"]
    assert await rule_ids(store, []) == []


@pytest.mark.asyncio
async def test_a_revoked_rule_stays_revoked_also_when_a_save_brings_it_again(store: Store) -> None:
    body = a_rule("r1")[:-1] + ', "weather": "sun"}'
    await store.save(a_save(0, rules=(body,)))
    assert await store.revoke_rule("r1", "anna", NOON)
    assert not await store.revoke_rule("r1", "ben", NOON + timedelta(1))
    assert not await store.revoke_rule("unknown", "anna", NOON)
    await store.save(a_save(1, rules=(body,)))
    (rule,) = [Rule.model_validate_json(text) for text in await store.rules()]
    assert rule == Rule.model_validate_json(body).revoked("anna", NOON)
    assert (rule.revoked_by, rule.revoked_at, rule.holds("delete_all", "", NOON)) == ("anna", NOON, False)


@pytest.mark.parametrize("rule", BROKEN)
@pytest.mark.asyncio
async def test_a_rule_that_says_no_key_takes_its_whole_save_along(store: Store, rule: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        await store.save(a_save(entries=(voted("v1"),), rules=(a_rule("r1"), rule)))
    row = await store.load(AGENT)
    assert row is not None
    assert (row.head, await slots(store), await rule_ids(store)) == (None, [], [])


# Claims


def minutes(n: int) -> datetime:
    return NOON + timedelta(minutes=n)


def annas(until: int, interrupt_id: str = "i1", agent_id: str = AGENT) -> Claim:
    return Claim(agent_id=agent_id, interrupt_id=interrupt_id, by="anna", until=minutes(until))


async def claim(store: Store, by: str, until: int | None, now: int = 0, on: str = "i1") -> Claim | None:
    return await store.claim(AGENT, on, by, None if until is None else minutes(until), minutes(now))


@pytest.mark.asyncio
async def test_anothers_claim_stays_until_it_has_ended(store: Store) -> None:
    assert await claim(store, "anna", 5) == annas(5)
    assert await claim(store, "ben", 9, now=4) == annas(5)
    assert await claim(store, "ben", None, now=4) == annas(5)
    assert await store.claims() == (annas(5),)
    bens = await claim(store, "ben", 9, now=5)
    assert bens == annas(9).but(by="ben")
    assert await store.claims() == (bens,)


@pytest.mark.asyncio
async def test_ones_own_claim_is_renewed_shortened_and_given_up(store: Store) -> None:
    assert await claim(store, "anna", 5) == annas(5)
    assert await claim(store, "anna", 9) == annas(9)
    assert await claim(store, "anna", 2) == annas(2)
    assert await claim(store, "anna", None) is None
    assert await claim(store, "anna", None) is None
    assert await store.claims() == ()
    assert await claim(store, "ben", 1) is not None


@pytest.mark.asyncio
async def test_a_claim_until_a_time_that_is_past_is_none(store: Store) -> None:
    await claim(store, "anna", 5)
    assert await claim(store, "anna", 1, now=1) is None
    assert await store.claims() == ()


@pytest.mark.asyncio
async def test_ended_claims_are_listed_too_and_of_one_agent_alone(store: Store) -> None:
    await claim(store, "anna", 1)
    await claim(store, "anna", 99, now=50, on="i2")
    theirs = await store.claim(OTHER, "i1", "anna", minutes(3), minutes(0))
    assert theirs == annas(3, agent_id=OTHER)
    assert {*await store.claims()} == {annas(1), annas(99, "i2"), theirs}
    assert await store.claims(OTHER) == (theirs,)
    assert await store.claims("unknown") == ()


@pytest.mark.asyncio
async def test_exactly_one_of_many_claims(store: Store) -> None:
    answers = await asyncio.gather(*(claim(store, f"user-{n}", 5) for n in range(20)))
    assert len({answer.by for answer in answers if answer is not None}) == 1


@pytest.mark.asyncio
async def test_a_time_without_a_zone_claims_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="timezone"):
        await store.claim(AGENT, "i1", "anna", datetime(2026, 1, 1, 13), NOON)  # noqa: DTZ001
    assert await store.claims() == ()


@pytest.mark.asyncio
async def test_a_claim_lasts_as_long_as_its_interrupt_waits_whatever_changes_about_it(store: Store) -> None:
    await store.save(a_save(0, interrupts=(asks("i1"), asks("i2"))))
    await claim(store, "anna", 5)
    await claim(store, "anna", 5, on="i2")
    await store.save(a_save(1, interrupts=(asks("i1", reminded=1),)))
    assert await store.claims() == (annas(5),)
    await store.save(a_save(2, interrupts=()))
    assert await store.claims() == ()


@pytest.mark.parametrize("body", ["", "no JSON", "[]", '{"id": 5}', '{"interrupt": 5}', '{"interrupt": {"id": []}}'])
@pytest.mark.asyncio
async def test_whatever_waits_a_save_can_look_after_claims(store: Store, body: str) -> None:
    await claim(store, "anna", 5)
    await claim(store, "anna", 5, on="bare")
    await store.save(a_save(interrupts=(body, Interrupt(id="bare").model_dump_json())))
    assert await store.claims() == (annas(5, "bare"),)


# What waits, as an inbox item


@pytest.mark.asyncio
async def test_inbox_items_and_bare_interrupts_are_listed_by_age_together(store: Store) -> None:
    bare = Interrupt(id="bare", created_at=minutes(5)).model_dump_json()
    await store.save(a_save(interrupts=(asks("late", created_at=minutes(9)), bare, asks("first"))))
    assert [one.interrupt for one in await store.interrupts()] == [
        asks("first"),
        bare,
        asks("late", created_at=minutes(9)),
    ]


# Forgetting


@pytest.mark.asyncio
async def test_a_deleted_agent_leaves_no_decision_rule_or_claim_and_its_neighbour_all(store: Store) -> None:
    for agent in (AGENT, OTHER):
        save = a_save(agent_id=agent, entries=(voted("v1"),), rules=(a_rule(f"of {agent}", "user::anna"),))
        await store.save(save.but(interrupts=(asks("i1", agent),)))
        await store.claim(agent, "i1", "anna", minutes(5), minutes(0))
    await store.delete(AGENT)
    assert (await slots(store), await slots(store, OTHER)) == ([], ["v1"])
    assert await rule_ids(store) == [f"of {OTHER}"]
    assert await store.claims() == (annas(5, agent_id=OTHER),)
    await store.take_over(AGENT, OTHER_RUN, 0)
    await store.save(a_save(run=OTHER_RUN, entries=(voted("v2"),)))
    assert await slots(store) == ["v2"]
