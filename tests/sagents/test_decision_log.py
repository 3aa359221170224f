"""The chain of a decision log: whoever changes, removes, swaps or adds rows is found."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from sagents.decision_log import NOTHING, Entry, EntryKind, Row, broken, departed, row_after
from sagents.decisions import Approve, Edit, Reject
from sagents.principal import Who
from tests.sagents.strategies import json_values, names, words

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
entries = st.builds(
    Entry,
    slot=st.uuids().map(str),
    kind=st.sampled_from(EntryKind),
    interrupt_id=names,
    at=st.just(AT),
    arguments=st.none() | st.dictionaries(names, json_values, max_size=3),
    decision=st.none() | st.builds(Edit, st.dictionaries(names, json_values)) | st.builds(Reject, words),
    who=st.none() | st.builds(Who, subject=words, groups=st.lists(names, max_size=2).map(tuple)),
    note=words,
)


def chained(entries: list[Entry], agent_id: str = "agent") -> list[str]:
    """The log as it is stored."""
    rows, tip = list[str](), NOTHING
    for entry in entries:
        row = row_after(tip, agent_id, entry.model_dump_json())
        rows.append(row.model_dump_json())
        tip = row.tip
    return rows


logs = st.lists(entries, min_size=1, max_size=5).map(chained)


def read(rows: list[str]) -> list[Row]:
    return [Row.model_validate_json(row) for row in rows]


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a JSON value a value stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, one in inner for path in paths(one, (*at, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


@given(logs, st.data())
def test_a_log_as_it_was_written_holds_and_so_does_any_beginning_of_it(rows: list[str], data: st.DataObject) -> None:
    """A cut at the end shows against a copy only."""
    assert broken(read(rows)) is None
    cut = data.draw(st.integers(0, len(rows)))
    assert broken(read(rows[:cut])) is None
    assert departed(read(rows), read(rows[:cut])) is None
    if cut < len(rows):
        assert departed(read(rows[:cut]), read(rows)) == f"row {cut + 1} of the copy is missing"


@given(logs, st.data(), json_values)
def test_any_value_that_is_changed_is_found(rows: list[str], data: st.DataObject, new: Any) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    row = json.loads(rows[at])
    path = data.draw(st.sampled_from([path for path in paths(row) if path]))
    put(row, path, new)
    assert_found(rows, at, row)


@given(logs, st.data(), names, json_values)
def test_any_field_that_is_added_or_taken_away_is_found(
    rows: list[str], data: st.DataObject, name: str, new: Any
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    row = json.loads(rows[at])
    where = data.draw(st.sampled_from([row, row["entry"]]))
    if data.draw(st.booleans()):
        where[name] = new
    else:
        del where[data.draw(st.sampled_from(sorted(where)))]
    assert_found(rows, at, row)


def assert_found(rows: list[str], at: int, row: Any) -> None:
    """The changed row is no row, or breaks the chain just there."""
    assume(json.dumps(row, sort_keys=True) != json.dumps(json.loads(rows[at]), sort_keys=True))
    try:
        changed = Row.model_validate_json(json.dumps(row))
    except ValueError:
        return
    assume(changed != read(rows)[at])  # "1" for 1 reads as the same row
    found = broken([*read(rows[:at]), changed, *read(rows[at + 1 :])])
    assert found is not None
    assert f"row {at + 1} " in found


@given(logs, st.data())
def test_a_row_that_is_missing_is_found(rows: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    left = [*rows[:at], *rows[at + 1 :]]
    assume(at < len(rows) - 1)
    assert broken(read(left)) == f"row {at + 1} is missing: row {at + 2} stands in its place"


@given(logs, st.data())
def test_rows_in_another_order_are_found(rows: list[str], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    assume(list(order) != list(range(len(rows))))
    assert broken(read([rows[n] for n in order])) is not None


@given(logs, logs, st.data())
def test_a_row_from_elsewhere_is_found(rows: list[str], others: list[str], data: st.DataObject) -> None:
    """From this log or from another one, put in or put in the place of another, its number and link fitted or not."""
    at = data.draw(st.integers(0, len(rows) - 1))
    row = read([data.draw(st.sampled_from([*rows, *others]))])[0]
    if data.draw(st.booleans()):
        row = row.but(number=at + 1, previous=read(rows)[at].previous)
    instead = data.draw(st.booleans())
    changed = [*read(rows[:at]), row, *read(rows[at + instead :])]
    ends_there = instead and at == len(rows) - 1 and row.hash == row.digest and row.number == at + 1
    assume(changed != read(rows) and not (ends_there and row.previous == read(rows)[at].previous))
    assert broken(changed) is not None


def test_a_log_that_goes_on_as_another_agents_is_found() -> None:
    first = row_after(NOTHING, "agent", entry().model_dump_json())
    second = row_after(first.tip, "other", entry().model_dump_json())
    assert broken([first, second]) == "row 2 belongs to the log of 'other'"


def test_a_log_that_was_written_anew_shows_against_a_copy() -> None:
    copy, forged = read(chained([entry(), entry("b")])), read(chained([entry(), entry("b", note="forged"), entry("c")]))
    assert broken(forged) is None
    assert departed(forged, copy) == "row 2 is not the one in the copy"


def test_a_hash_is_of_the_canonical_json_of_all_the_rest_of_the_row() -> None:
    """Written down, so that it holds in every later version and any other program can check it."""
    row = row_after(NOTHING, "agent", entry(decision=Approve(), arguments={"n": 1.0, "ä": "🌍"}).model_dump_json())
    assert row.hash == "sha256:a78b3f9b7c229d419a5288e2f27b96680a5bc7596e7384f5f09bc601550150a3"
    assert json.loads(row.model_dump_json()).keys() == {"agent_id", "number", "previous", "entry", "hash"}


def test_what_this_version_cannot_read_is_checked_all_the_same() -> None:
    """A newer version's kind of entry, its new fields of a decision or of the row."""
    body = '{"slot":"a","kind":"dreamt","decision":{"type":"approve","mood":null,"extend":null},"level":[1,2.50]}'
    row = row_after(NOTHING, "agent", body).but(witness="x")
    row = row.but(hash=row.digest)
    again = Row.model_validate_json(row.model_dump_json())
    assert broken([again]) is None
    assert json.loads(again.model_dump_json())["entry"] == json.loads(body)
    assert broken([again.but(witness="y")]) == "row 1 was changed after it was written"


def entry(slot: str = "a", **fields: Any) -> Entry:
    return Entry(slot=slot, kind=EntryKind.VOTED, interrupt_id="int_1", at=AT, **fields)
