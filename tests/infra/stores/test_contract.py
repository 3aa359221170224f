"""What every `Store` promises: the specification of the port, held by each adapter (DESIGN 4.2 and 4.4).

Its events, deposits and interrupts are in `test_contract_log.py`.
"""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from sagents.errors import Damaged, Superseded
from sagents.ports import Base, Chain, Save, SavedHead, Segment, Store, Weight

AGENT, RUN, OTHER_RUN = "conversation-1", "workflow-run-1", "workflow-run-2"
NOTHING = Base()
A, B, C, D = (Base(position=at, digest=name) for at, name in enumerate("abcd", start=1))


def a_save(seq: int = 0, head: str = '{"phase":"idle"}', run: str = RUN, **fields: Any) -> Save:
    if (segment := fields.get("segment")) is not None:
        fields.setdefault("base", segment.base)
    return Save(agent_id=AGENT, workflow_run_id=run, seq=seq, head=head, **fields)


def a_segment(base: Base, parent: Base, snapshot: str | None = None) -> Segment:
    return Segment(base=base, parent=parent, operations=f'["{base.digest}"]', snapshot=snapshot)


async def saved(store: Store, *segments: Segment) -> None:
    """An agent of RUN's with these bases, saved one after the other."""
    await store.take_over(AGENT, RUN, 0)
    for seq, segment in enumerate(segments):
        await store.save(a_save(seq, segment=segment))


# Who may write: {generation, workflow_run_id, seq} decides; clocks on two machines cannot.


@pytest.mark.asyncio
async def test_unknown_agent_has_nothing(store: Store) -> None:
    assert await store.load(AGENT) is None
    assert await store.chain(AGENT, "a") is None
    assert await store.weight(AGENT, "a") is None
    assert await store.get(AGENT, "step-1") is None
    await store.delete(AGENT)


@pytest.mark.asyncio
async def test_first_writer_takes_over_at_generation_zero(store: Store) -> None:
    row = await store.take_over(AGENT, RUN, 0)
    assert row == SavedHead(generation=1, workflow_run_id=RUN, seq=-1, head=None)
    assert await store.load(AGENT) == row


@pytest.mark.asyncio
async def test_next_workflow_run_takes_over_with_the_head_and_counts_its_saves_anew(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(seq=41, head='{"todos":1}'))
    row = await store.take_over(AGENT, OTHER_RUN, 1)
    assert row == SavedHead(generation=2, workflow_run_id=OTHER_RUN, seq=-1, head='{"todos":1}')
    await store.save(a_save(seq=0, run=OTHER_RUN))


@pytest.mark.parametrize("generation", [0, 2])
@pytest.mark.asyncio
async def test_taking_over_another_generation_than_the_stored_one_is_superseded(store: Store, generation: int) -> None:
    await store.take_over(AGENT, RUN, 0)
    with pytest.raises(Superseded) as refused:
        await store.take_over(AGENT, OTHER_RUN, generation)
    assert refused.value.current == RUN
    assert await store.load(AGENT) == SavedHead(generation=1, workflow_run_id=RUN)


@pytest.mark.asyncio
async def test_taking_over_an_agent_that_is_not_there_needs_generation_zero(store: Store) -> None:
    with pytest.raises(Superseded):
        await store.take_over(AGENT, RUN, 3)
    assert await store.load(AGENT) is None


@pytest.mark.parametrize("generation", [0, 1])
@pytest.mark.asyncio
async def test_taking_over_again_finds_its_own_footprint_and_changes_nothing(store: Store, generation: int) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(seq=7))
    row = await store.take_over(AGENT, RUN, generation)
    assert row == SavedHead(generation=1, workflow_run_id=RUN, seq=7, head=a_save().head)


@pytest.mark.asyncio
async def test_exactly_one_of_many_takes_over(store: Store) -> None:
    runs = [f"run-{n}" for n in range(20)]
    answers = await asyncio.gather(*(store.take_over(AGENT, run, 0) for run in runs), return_exceptions=True)
    winners = [answer for answer in answers if isinstance(answer, SavedHead)]
    assert [type(answer) for answer in answers].count(Superseded) == 19
    assert winners == [await store.load(AGENT)]


@pytest.mark.asyncio
async def test_who_never_took_over_writes_nothing(store: Store) -> None:
    with pytest.raises(Superseded) as save_refused:
        await store.save(a_save(segment=a_segment(A, NOTHING)))
    with pytest.raises(Superseded) as record_refused:
        await store.put_once(AGENT, "step-1", "{}", RUN)
    assert save_refused.value.current == record_refused.value.current == ""
    assert await store.load(AGENT) is None
    assert await store.chain(AGENT, "a") is None


@pytest.mark.asyncio
async def test_late_writer_of_a_dead_workflow_run_is_superseded(store: Store) -> None:
    # run 1   ──take_over──save──────────────────x late save, x late record: Superseded
    # run 2   ─────────────────take_over──────────────save─ok→
    await saved(store, a_segment(A, NOTHING))
    await store.take_over(AGENT, OTHER_RUN, 1)
    with pytest.raises(Superseded) as refused:
        await store.save(a_save(seq=9, segment=a_segment(B, A)))
    with pytest.raises(Superseded):
        await store.put_once(AGENT, "step-1", "{}", RUN)
    assert refused.value.current == OTHER_RUN
    assert await store.chain(AGENT, "b") is None
    assert await store.get(AGENT, "step-1") is None
    await store.save(a_save(seq=0, run=OTHER_RUN, segment=a_segment(B, A)))


# Saving


@pytest.mark.asyncio
async def test_higher_seq_replaces_the_head_also_after_a_gap(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    for seq in (0, 1, 7):
        await store.save(a_save(seq, head=f'{{"seq":{seq}}}'))
    row = await store.load(AGENT)
    assert row is not None
    assert (row.seq, row.head) == (7, '{"seq":7}')


@pytest.mark.asyncio
async def test_a_save_answers_with_the_row_as_it_is_now(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    row = await store.save(a_save(seq=3, segment=a_segment(A, NOTHING)))
    assert row == SavedHead(generation=1, workflow_run_id=RUN, seq=3, head=a_save().head, base=A)
    assert row == await store.load(AGENT)


@pytest.mark.asyncio
async def test_a_retry_of_a_save_succeeds_and_the_stored_head_stays(store: Store) -> None:
    """The retry reads the head anew, so that it may know more; the answer says which one is stored."""
    await store.take_over(AGENT, RUN, 0)
    first = await store.save(a_save(seq=3, head='{"notes":1}', segment=a_segment(A, NOTHING)))
    retry = await store.save(a_save(seq=3, head='{"notes":2}', segment=a_segment(A, NOTHING)))
    assert retry == first == await store.load(AGENT)
    assert first.head == '{"notes":1}'
    assert await store.chain(AGENT, "a") == Chain(segments=('["a"]',))


@pytest.mark.parametrize("late", [a_save(seq=3, base=B), a_save(seq=2, base=A)], ids=["other base", "lower seq"])
@pytest.mark.asyncio
async def test_a_save_that_lost_its_turn_is_superseded_and_leaves_no_base(store: Store, late: Save) -> None:
    await store.take_over(AGENT, RUN, 0)
    row = await store.save(a_save(seq=3, segment=a_segment(A, NOTHING)))
    with pytest.raises(Superseded):
        await store.save(late.but(segment=a_segment(B, A)))
    assert await store.load(AGENT) == row
    assert await store.chain(AGENT, "b") is None


@pytest.mark.asyncio
async def test_a_save_without_a_segment_keeps_the_base_it_names(store: Store) -> None:
    await saved(store, a_segment(A, NOTHING))
    await store.save(a_save(seq=1, base=A))
    row = await store.take_over(AGENT, OTHER_RUN, 1)
    assert row.base == A


@pytest.mark.asyncio
async def test_saves_at_once_leave_the_newest_head(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    saves = [store.save(a_save(seq, head=f"{seq}")) for seq in range(30)]
    await asyncio.gather(*saves, return_exceptions=True)
    row = await store.load(AGENT)
    assert row is not None
    assert (row.seq, row.head) == (29, "29")


# Bases and chains


@pytest.mark.asyncio
async def test_a_chain_is_read_from_nothing_in_the_order_it_was_saved(store: Store) -> None:
    await saved(store, a_segment(A, NOTHING), a_segment(B, A), a_segment(C, B))
    assert await store.chain(AGENT, "c") == Chain(segments=('["a"]', '["b"]', '["c"]'))
    assert await store.chain(AGENT, "b") == Chain(segments=('["a"]', '["b"]'))


@pytest.mark.asyncio
async def test_the_base_of_nothing_is_an_empty_chain(store: Store) -> None:
    assert await store.chain(AGENT, "") == Chain()
    assert await store.weight(AGENT, "") == Weight()


@pytest.mark.asyncio
async def test_a_chain_begins_at_the_nearest_snapshot(store: Store) -> None:
    await saved(store, a_segment(A, NOTHING), a_segment(B, A, snapshot='{"b":1}'), a_segment(C, B), a_segment(D, C))
    assert await store.chain(AGENT, "d") == Chain(snapshot='{"b":1}', segments=('["c"]', '["d"]'))
    assert await store.chain(AGENT, "b") == Chain(snapshot='{"b":1}')
    assert await store.chain(AGENT, "a") == Chain(segments=('["a"]',))


@pytest.mark.asyncio
async def test_both_branches_that_a_reset_leaves_stay_readable(store: Store) -> None:
    fork = Base(position=2, digest="b2")
    await saved(store, a_segment(A, NOTHING), a_segment(B, A), a_segment(C, B))
    await store.take_over(AGENT, OTHER_RUN, 1)
    await store.save(a_save(run=OTHER_RUN, segment=a_segment(fork, A)))
    assert await store.chain(AGENT, "c") == Chain(segments=('["a"]', '["b"]', '["c"]'))
    assert await store.chain(AGENT, "b2") == Chain(segments=('["a"]', '["b2"]'))


@pytest.mark.asyncio
async def test_a_base_that_is_stored_stays_as_it_is(store: Store) -> None:
    await saved(store, a_segment(A, NOTHING), a_segment(A, NOTHING, snapshot="{}"), a_segment(A, A))
    assert await store.chain(AGENT, "a") == Chain(segments=('["a"]',))


@pytest.mark.asyncio
async def test_a_base_whose_parent_is_lost_is_damaged_and_never_a_shorter_state(store: Store) -> None:
    await saved(store, a_segment(C, B))
    with pytest.raises(Damaged, match="'b'"):
        await store.chain(AGENT, "c")
    with pytest.raises(Damaged, match="'b'"):
        await store.weight(AGENT, "c")


@pytest.mark.asyncio
async def test_a_base_that_names_itself_as_parent_is_damaged(store: Store) -> None:
    await saved(store, a_segment(A, A))
    with pytest.raises(Damaged):
        await store.chain(AGENT, "a")


@pytest.mark.asyncio
async def test_a_conversation_of_hundreds_of_saves_is_read_whole(store: Store) -> None:
    bases = [Base(position=at, digest=f"digest-{at}" if at else "") for at in range(301)]
    segments = [a_segment(base, parent) for parent, base in pairwise(bases)]
    await saved(store, *segments)
    chain = await store.chain(AGENT, "digest-300")
    assert chain is not None
    assert chain.segments == tuple(segment.operations for segment in segments)


@pytest.mark.asyncio
async def test_texts_come_back_as_they_were(store: Store) -> None:
    text = '{"text":"Grüße 🌍 \\u0000 \\ud83d \' \\" %s :name"}' + " " * 2_000_000
    await store.take_over(AGENT, RUN, 0)
    await store.save(a_save(head=text, segment=Segment(base=A, parent=NOTHING, operations=text)))
    row, chain = await store.load(AGENT), await store.chain(AGENT, "a")
    assert row is not None
    assert chain is not None
    assert (row.head, chain.segments) == (text, (text,))
    assert await store.put_once(AGENT, "a/b c:ü", text, RUN) == text == await store.get(AGENT, "a/b c:ü")


@pytest.mark.asyncio
async def test_the_weight_of_a_base_tells_characters_of_its_snapshot_and_of_the_segments_since(store: Store) -> None:
    await saved(store, a_segment(A, NOTHING), a_segment(B, A, snapshot='"ü🌍"'), a_segment(C, B), a_segment(D, C))
    assert await store.weight(AGENT, "d") == Weight(snapshot=4, segments=10)
    assert await store.weight(AGENT, "b") == Weight(snapshot=4)
    assert await store.weight(AGENT, "a") == Weight(segments=5)


# Records


@pytest.mark.asyncio
async def test_the_first_record_under_a_key_wins(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    assert await store.put_once(AGENT, "step-1", '"first"', RUN) == '"first"'
    assert await store.put_once(AGENT, "step-1", '"second"', RUN) == '"first"'
    assert await store.put_once(AGENT, "step-2", '"second"', RUN) == '"second"'
    assert await store.get(AGENT, "step-1") == '"first"'


@pytest.mark.asyncio
async def test_a_record_outlives_the_workflow_run_that_wrote_it(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)
    await store.put_once(AGENT, "step-1", '"first"', RUN)
    await store.take_over(AGENT, OTHER_RUN, 1)
    assert await store.put_once(AGENT, "step-1", '"second"', OTHER_RUN) == '"first"'


@pytest.mark.asyncio
async def test_all_attempts_at_once_agree_on_one_record(store: Store) -> None:
    """Two attempts of one model step may both come back with a plan (K-1)."""
    await store.take_over(AGENT, RUN, 0)
    answers = await asyncio.gather(*(store.put_once(AGENT, "step", f'"{n}"', RUN) for n in range(30)))
    assert set(answers) == {await store.get(AGENT, "step")}


@pytest.mark.asyncio
async def test_event_loops_of_several_threads_share_a_store(store: Store) -> None:
    await store.take_over(AGENT, RUN, 0)

    def attempt(n: int) -> str:
        return asyncio.run(store.put_once(AGENT, "step", f'"{n}"', RUN))

    answers = await asyncio.gather(*(asyncio.to_thread(attempt, n) for n in range(16)))
    assert set(answers) == {await store.get(AGENT, "step")}


# Agents beside each other


@pytest.mark.asyncio
async def test_agents_with_equal_digests_and_keys_do_not_meet(store: Store) -> None:
    await saved(store, a_segment(A, NOTHING))
    await store.put_once(AGENT, "step", '"mine"', RUN)
    await store.take_over("other", OTHER_RUN, 0)
    other = Save(agent_id="other", workflow_run_id=OTHER_RUN, seq=0, head="{}")
    await store.save(other.but(segment=Segment(base=A, parent=NOTHING, operations='["theirs"]')))
    assert await store.put_once("other", "step", '"theirs"', OTHER_RUN) == '"theirs"'
    assert await store.chain(AGENT, "a") == Chain(segments=('["a"]',))
    assert await store.chain("other", "a") == Chain(segments=('["theirs"]',))


@pytest.mark.asyncio
async def test_sub_agents_are_deleted_with_their_agent_at_whatever_depth(store: Store) -> None:
    below = (f"{AGENT}/a-1.1.0", f"{AGENT}/a-1.1.0/b-1.1.0")
    for agent_id in (*below, f"{AGENT}0/a-1.1.0"):
        await store.take_over(agent_id, RUN, 0)
        await store.put_once(agent_id, "step", "{}", RUN)
    await store.delete(below[1])
    assert await store.get(below[0], "step") == "{}"
    await store.delete(AGENT)
    assert [await store.load(agent_id) for agent_id in below] == [None, None]
    assert await store.get(below[0], "step") is None
    assert await store.get(f"{AGENT}0/a-1.1.0", "step") == "{}"


@pytest.mark.asyncio
async def test_a_deleted_agent_leaves_nothing_and_its_neighbour_everything(store: Store) -> None:
    await saved(store, a_segment(A, NOTHING))
    await store.put_once(AGENT, "step", "{}", RUN)
    neighbour = await store.take_over(AGENT + "0", RUN, 0)
    await store.put_once(AGENT + "0", "step", "{}", RUN)
    await store.delete(AGENT)
    assert await store.load(AGENT) is None
    assert await store.chain(AGENT, "a") is None
    assert await store.get(AGENT, "step") is None
    assert await store.load(AGENT + "0") == neighbour
    assert await store.get(AGENT + "0", "step") == "{}"
    with pytest.raises(Superseded):
        await store.save(a_save(seq=9))
    assert (await store.take_over(AGENT, RUN, 0)).generation == 1
