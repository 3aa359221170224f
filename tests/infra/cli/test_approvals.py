"""`sagents approvals`: what people see of what waits for them. Temporal does not answer here: the store is enough."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from sagents import Edit, InvalidInput, Reject
from sagents.approvers import groups
from sagents.client import AgentServer
from sagents.decision_log import Entry, EntryKind, Remember
from sagents.errors import DecisionConflict, DecisionRefused, DigestMismatch, Forbidden, InterruptGone, InvalidDecision
from sagents.inbox import InboxItem
from sagents.interrupts import Vote
from sagents.principal import Who
from sagents.rules import Rule
from sagents_infra.cli import reaching
from sagents_infra.cli.hints import explained
from sagents_infra.cli.spans import span, words
from sagents_infra.stores import MemoryStore
from tests.client import waiting
from tests.client.waiting import LONG_AGO, item, out_of_reach, save
from tests.infra.cli.conftest import Run

HOUR = timedelta(hours=1)
IDS = {number: f"{number:016x}_0" for number in range(10)}
FOR_FINANCE: dict[str, Any] = {
    "approvers": groups("finance"),
    "required_approvals": 2,
    "self_approval": False,
    "requesters": ("olga",),
}

Type = Callable[..., Result]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def types(store: MemoryStore, sagents: Run, monkeypatch: pytest.MonkeyPatch) -> Type:
    """`types("ls")` is `sagents approvals ls`."""

    async def connect() -> AgentServer:
        return await out_of_reach(store)

    monkeypatch.setattr(reaching, "connect", connect)
    return lambda *typed: sagents("approvals", *typed)


def put(store: MemoryStore, *items: InboxItem) -> None:
    asyncio.run(waiting.put(store, *items))


def listed(types: Type, *filters: str) -> list[str]:
    """The agents whose approvals are listed."""
    result = types("ls", *filters, "--json")
    assert result.exit_code == 0, result.stderr
    return [found["agent_id"] for found in json.loads(result.stdout)]


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_inbox_says_so(types: Type) -> None:
    assert types("ls").stdout == "nothing waits for people\n"
    assert types("ls", "--json").stdout == "[]\n"


def test_a_line_says_what_matters_and_has_no_empty_columns(types: Type, store: MemoryStore) -> None:
    put(store, item("a", 1, ago=2 * HOUR))
    assert types("ls").stdout.splitlines() == [
        "ID                  AGENT  TOOL    SUMMARY         AGE",
        "0000000000000001_0  a      refund  Refund order 1  2h",
    ]
    urgent = {"risk": "high", "expires_at": datetime.now(UTC) + 30.5 * HOUR, **FOR_FINANCE}
    put(store, item("b", 2, ago=1.5 * HOUR, **urgent))
    now = datetime.now(UTC)
    asyncio.run(store.claim("b", item("b", 2).interrupt.id, "zoe", now + HOUR, now))
    head, _, line = types("ls").stdout.splitlines()
    assert " ".join(head.split()) == "ID AGENT TOOL SUMMARY RISK AGE EXPIRES IN APPROVALS CLAIMED BY"
    assert line.split() == [IDS[2], "b", "refund", "Refund", "order", "2", "high", "1h30m", "1d6h", "0/2", "zoe"]


def test_filters_narrow_the_list(types: Type, store: MemoryStore) -> None:
    put(
        store,
        item("low", 1, ago=2 * HOUR),
        item("high", 2, ago=timedelta(minutes=1), risk="high", **FOR_FINANCE),
        item("late", 3, expires_at=LONG_AGO + HOUR),
    )
    assert listed(types) == ["low", "high"]
    for filters, expected in (
        (["--tool", "refund"], ["low", "high"]),
        (["--tool", "delete"], []),
        (["--agent", "desk"], ["low", "high"]),
        (["--agent", "low"], ["low"]),
        (["--risk", "high"], ["high"]),
        (["--older-than", "1h30m"], ["low"]),
        (["--argument", "amount=100"], ["low"]),
        (["--argument", "order=2"], ["high"]),
        (["--argument", "order=2", "--argument", "amount=100"], []),
        (["--argument", "nothing=2"], []),
        (["--status", "expired"], ["late"]),
        (["--status", "all"], ["late", "low", "high"]),
        (["--mine", "--as", "anna", "--group", "finance"], ["low", "high"]),
        (["--mine", "--as", "olga", "--group", "finance"], ["low"]),
        (["--as", "bob"], ["low"]),
        (["--claimed"], []),
        (["--unclaimed", "--limit", "1"], ["low"]),
        (["--tenant", "acme"], []),
    ):
        assert listed(types, *filters) == expected, filters


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["ls", "--mine"], "--as NAME"),
        (["ls", "--older-than", "soon"], "45s, 90m, 2h"),
        (["ls", "--older-than", "99999999999d"], "calendar"),
        (["ls", "--argument", "amount"], "NAME=VALUE"),
        (["ls", "--status", "open"], "status"),
        (["approve", "0", "--group", "finance"], "--as NAME"),
        (["approve", "0", "--ttl", "7d"], "--remember"),
        (["approve", "0", "--remember", "always"], "run | conversation | user"),
        (["approve", "0", "1", "--digest", "sha256:1"], "one"),
        (["edit", "0", "{amount: 5}"], "no JSON"),
        (["respond", "0"], "TEXT, or --value"),
        (["respond", "0", "--value", "{"], "no JSON"),
        (["claim", "0"], "--as NAME"),
        (["verify"], "--all"),
        (["verify", "a", "b", "--copy", "x"], "one agent"),
        (["verify", "a", "--copy", "missing"], "cannot be read"),
        (["rules", "revoke", "r"], "--as NAME"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_of_the_tongue_is_exit_code_2_and_says_what_to_write(
    types: Type, store: MemoryStore, typed: list[str], why: str
) -> None:
    put(store, item("a", 0), item("b", 0x1000000000000000))
    result = types(*typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


# ── one approval ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_approval_is_shown_with_its_call_its_terms_its_votes_and_what_answers_it(
    types: Type, store: MemoryStore
) -> None:
    edited = Vote(decision=Edit({"amount": 3}), who=Who(subject="bob"), digest="sha256:2")
    put(store, item("a", 2, votes=(edited,), expires_at=datetime.now(UTC) + HOUR, **FOR_FINANCE))
    shown = types("show", "0000")
    assert shown.exit_code == 0
    who = "--as NAME --group NAME"
    for text in (
        "Refund order 2",
        item("a", 2).interrupt.digest,
        "group finance",
        "1 of 2",
        "who asked for it (olga)",
        "reject",
        '  "amount": 200',
        "✓ bob: edit refund(amount=3)",
        f"sagents approvals approve {IDS[2]} {who}",
        f"""sagents approvals edit {IDS[2]} '{{"order": "2", "amount": 200}}' {who}""",
        f"sagents approvals approve {IDS[2]} --digest sha256:2 {who}",
    ):
        assert text in shown.stdout
    value = json.loads(types("show", IDS[2], "--json").stdout)
    assert (value["agent_id"], value["status"]) == ("a", "pending")
    assert value["interrupt"]["arguments"] == {"order": "2", "amount": 200}


def test_what_is_asked_cannot_draw_another_call_on_the_terminal(types: Type, store: MemoryStore) -> None:
    """A summary is made of what a model wrote: it may not erase a line or turn text around."""
    one = item("a", 1)
    tricky = one.interrupt.but(message="Refund\x1b[2K 1\u202e5", arguments={"order": "\x1b[1A\u202e"})
    put(store, one.but(interrupt=tricky))
    for printed in (types("ls").stdout, types("show", IDS[1]).stdout):
        assert "\x1b" not in printed
        assert "\u202e" not in printed


def test_an_id_is_named_by_its_beginning_and_by_its_agent_where_that_is_not_enough(
    types: Type, store: MemoryStore
) -> None:
    put(store, item("a", 1), item("b", 1), item("b", 2), item("c", 0xABC0000000000000))
    for typed in ("abc", "int_call_abc", "call_a", "c/a", "c/"):
        assert json.loads(types("show", typed, "--json").stdout)["agent_id"] == "c"
    ambiguous = types("show", IDS[1])
    assert (ambiguous.exit_code, ambiguous.stdout) == (2, "")
    assert f"a/{IDS[1]} or b/{IDS[1]}" in ambiguous.stderr
    for typed in ("ffff", "nobody/0", "a/2", "/"):
        unknown = types("show", typed)
        assert unknown.exit_code == 3
        assert "sagents approvals ls" in unknown.stderr


def test_a_claim_is_one_persons_until_it_is_given_up(types: Type, store: MemoryStore) -> None:
    put(store, item("a", 1), item("b", 2))
    mine = types("claim", IDS[1], IDS[2], "--as", "anna", "--for", "2h", "--json")
    assert [(one["by"], one["done"]) for one in json.loads(mine.stdout)] == [("anna", True)] * 2
    theirs = types("claim", IDS[1], "--as", "bob")
    assert theirs.exit_code == 1
    assert "looked after by anna until" in theirs.stderr
    assert types("claim", IDS[1], "--as", "bob", "--release").exit_code == 1
    assert types("claim", IDS[1], "--as", "anna", "--release").stdout == f"{IDS[1]} is free again\n"
    assert types("claim", IDS[1], "--as", "bob").exit_code == 0


def test_a_decision_that_temporal_cannot_take_is_exit_code_4(types: Type, store: MemoryStore) -> None:
    """E-58; of several each says so by itself."""
    put(store, item("a", 1), item("b", 2))
    assert types("approve", IDS[1]).exit_code == 4
    both = types("approve", IDS[1], IDS[2], "--json")
    assert both.exit_code == 4
    assert [one["error"]["type"] for one in json.loads(both.stdout)] == ["CannotAnswer", "CannotAnswer"]


@pytest.mark.parametrize(
    ("kind", "signed", "hint"),
    [
        (Forbidden, False, "--as NAME"),
        (Forbidden, True, "show a/0000000000000001_0"),
        (DecisionConflict, True, "log a"),
        (InterruptGone, True, "log a"),
        (DigestMismatch, True, "digest"),
        (InvalidDecision, True, "(at /arguments/amount)"),
    ],
)
def test_a_refusal_says_what_to_do_next(kind: type[DecisionRefused], signed: bool, hint: str) -> None:
    one = item("a", 1)
    pointer = "/arguments/amount" if kind is InvalidDecision else ""
    refused = kind("a", "interrupted", "It is so.", one.interrupt.id, pointer)
    error = explained(refused, "a", one.interrupt.id, signed)
    assert type(error) is kind
    assert str(error).startswith("It is so")
    assert hint in str(error)


# ── looking back ─────────────────────────────────────────────────────────────────────────────────────────────────


def entry(number: int, kind: EntryKind = EntryKind.DECIDED, **fields: Any) -> str:
    made = Entry(
        slot=f"s{number}",
        kind=kind,
        interrupt_id=f"int_call_{IDS[number]}",
        at=LONG_AGO,
        tool="refund",
        arguments={"order": "7", "amount": 500},
        **fields,
    )
    return made.model_dump_json()


def write_log(store: MemoryStore, agent_id: str = "a") -> None:
    anna = Who(subject="anna", groups=("finance",), channel="cli")
    kept = Remember(scope="run", ttl_ms=7_200_000)
    entries = (
        entry(1, EntryKind.REQUESTED),
        entry(2, who=anna, decision=Edit({"amount": 3}), after={"order": "7", "amount": 3}, remember=kept),
        entry(3, who=Who(), decision=Reject("too late")),
    )
    asyncio.run(save(store, agent_id, [], entries=entries))


def test_the_log_says_who_decided_what(types: Type, store: MemoryStore) -> None:
    write_log(store)
    lines = types("log", "a").stdout.splitlines()
    assert len(lines) == 4
    for text in ("anna (finance) by cli", 'refund(order="7", amount=500)', "amount=3", "remembered: run for 2h"):
        assert text in lines[2]
    assert "operator by temporal" in lines[3]
    assert "too late" in lines[3]
    rows = [json.loads(line) for line in types("log", "a", "--json").stdout.splitlines()]
    assert [row["number"] for row in rows] == [1, 2, 3]


def test_a_whole_log_is_verified_and_a_changed_one_is_exit_code_1(
    types: Type, store: MemoryStore, tmp_path: Path
) -> None:
    write_log(store)
    write_log(store, "b")
    assert types("verify", "a").stdout == "a whole, 3 rows\n"
    assert types("verify", "--all").stdout == "a whole, 3 rows\nb whole, 3 rows\n"
    copy = tmp_path / "a.jsonl"
    copy.write_text(types("log", "a", "--json").stdout)
    assert types("verify", "a", "--copy", str(copy)).exit_code == 0
    rows = store._agents["a"].decisions
    rows["s2"] = rows["s2"].but(written={**rows["s2"].written, "tool": "delete"})
    changed = types("verify", "--all")
    assert changed.exit_code == 1
    assert changed.stdout == "a broken: row 2 was changed after it was written\nb whole, 3 rows\n"
    assert json.loads(types("verify", "a", "--json").stdout)[0]["broken"].startswith("row 2")


def test_rows_that_are_cut_off_show_against_a_copy(types: Type, store: MemoryStore, tmp_path: Path) -> None:
    write_log(store)
    copy = tmp_path / "a.jsonl"
    copy.write_text(types("log", "a", "--json").stdout)
    del store._agents["a"].decisions["s3"]
    assert types("verify", "a").exit_code == 0
    cut = types("verify", "a", "--copy", str(copy))
    assert (cut.exit_code, cut.stdout) == (1, "a broken: row 3 of the copy is missing\n")
    copy.write_text("nothing")
    assert types("verify", "a", "--copy", str(copy)).exit_code == 2


def test_remembered_decisions_are_listed_and_revoked(types: Type, store: MemoryStore) -> None:
    anna = Who(subject="anna")
    rules = (
        Rule(id="rule_abc", key="user:acme:olga", scope="user", tool="refund", at=LONG_AGO, who=anna),
        Rule(
            id="rule_abd", key="conversation:a", scope="conversation", tool="pay", at=LONG_AGO, digest="d", agent_id="a"
        ),
    )
    assert types("rules", "ls").stdout == "no decision is remembered\n"
    asyncio.run(save(store, "a", [], rules=tuple(rule.model_dump_json() for rule in rules)))
    _, first, second = types("rules", "ls").stdout.splitlines()
    assert [text in first for text in ("rule_abc", "olga", "refund", "any", "anna")] == [True] * 5
    assert [text in second for text in ("rule_abd", "conversation", "the same arguments")] == [True] * 3
    assert types("rules", "revoke", "rule_ab", "--as", "zoe").exit_code == 2
    assert types("rules", "revoke", "nothing", "--as", "zoe").exit_code == 3
    assert types("rules", "revoke", "rule_abc", "--as", "zoe").stdout == "rule_abc revoked\n"
    assert types("rules", "revoke", "rule_abc", "--as", "bob").exit_code == 1
    assert [rule["id"] for rule in json.loads(types("rules", "ls", "--json").stdout)] == ["rule_abd"]
    assert "revoked by zoe" in types("rules", "ls", "--all").stdout
    assert json.loads(types("rules", "ls", "--tool", "refund", "--agent", "a", "--json").stdout) == []


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("45s", "45s"),
        ("90m", "1h30m"),
        ("2h", "2h"),
        ("1d12h", "1d12h"),
        ("8d1h", "1w1d"),
        ("1d5m", "1d"),
        ("0s", "0s"),
    ],
)
def test_a_time_is_read_and_written(time: str, text: str) -> None:
    assert words(span(time)) == text


def test_a_clock_that_is_behind_makes_no_negative_time() -> None:
    assert words(-HOUR) == "0s"


@pytest.mark.parametrize("text", ["", "5", "h", "1.5h", "-2h", "2 h", "2y"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="write a number and a unit"):
        span(text)
