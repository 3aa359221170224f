"""What waits for people over all agents, read from the store alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from sagents import InvalidInput
from sagents.approvers import groups
from sagents.client import AgentServer
from sagents.decision_log import Entry, EntryKind
from sagents.errors import Damaged, InterruptUnknown
from sagents.interrupts import InterruptStatus
from sagents.ports import Save
from sagents.principal import Principal, Who
from sagents.rules import Rule
from sagents_infra.stores import MemoryStore
from tests.client.waiting import LONG_AGO, item, out_of_reach, put, save

pytestmark = pytest.mark.asyncio

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ANNA = Principal("anna", groups=("finance",))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest_asyncio.fixture
async def server(store: MemoryStore) -> AgentServer:
    return await out_of_reach(store)


async def found(server: AgentServer, **wanted: Any) -> list[str]:
    return [one.agent_id for one in await server.inbox(**wanted)]


async def test_it_lists_all_agents_oldest_first_without_asking_temporal(
    server: AgentServer, store: MemoryStore
) -> None:
    await put(store, item("b", 2), item("a", 3), item("c", 1))
    assert await found(server) == ["c", "b", "a"]
    assert await found(server, limit=2) == ["c", "b"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"tool": "refund"}, ["low", "high"]),
        ({"tool": "delete"}, []),
        ({"risk": "high"}, ["high"]),
        ({"agent": "desk"}, ["low", "high"]),
        ({"agent_id": "low"}, ["low"]),
        ({"agent_id": "nobody"}, []),
        ({"argument": {"amount": 100}}, ["low"]),
        ({"argument": {"amount": 100, "order": "2"}}, []),
        ({"argument": {"order": "2"}}, ["high"]),
        ({"approver": ANNA}, ["low", "high"]),
        ({"approver": Principal("bob")}, ["low"]),
        ({"status": "expired"}, ["late"]),
        ({"status": None}, ["late", "low", "high"]),
        ({"status": InterruptStatus.APPROVED}, []),
        ({"older_than": HOUR}, ["low"]),
        ({"tenant": "acme"}, []),
        ({"claimed": True}, []),
        ({"reason": "input_required"}, []),
    ],
    ids=str,
)
async def test_what_is_wanted_narrows_it(
    server: AgentServer, store: MemoryStore, wanted: dict[str, Any], expected: list[str]
) -> None:
    await put(
        store,
        item("low", 1, ago=2 * HOUR),
        item("high", 2, ago=MINUTE, risk="high", approvers=groups("finance")),
        item("late", 3, expires_at=LONG_AGO + HOUR, approvers=groups("nobody")),
    )
    assert await found(server, **wanted) == expected


async def test_who_asked_does_not_find_it_among_what_they_may_decide(server: AgentServer, store: MemoryStore) -> None:
    await put(store, item("own", 1, self_approval=False, requesters=("anna",)))
    assert await found(server, approver=ANNA) == []
    assert await found(server, approver=Principal("bob")) == ["own"]


async def test_a_status_that_does_not_exist_is_refused(server: AgentServer) -> None:
    with pytest.raises(InvalidInput, match="status"):
        await server.inbox(status="open")


async def test_one_that_cannot_be_read_hides_none_of_the_others(server: AgentServer, store: MemoryStore) -> None:
    await put(store, item("a", 1))
    await store.take_over("b", "run-1", 0)
    await store.save(Save(agent_id="b", workflow_run_id="run-1", seq=0, head="{}", interrupts=('{"id": 5}',)))
    unreadable = [one for one in await server.inbox() if one.agent_id == "b"]
    assert await found(server, tool="refund") == ["a"]
    assert unreadable[0].interrupt.problem


# ── claims ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_claim_keeps_its_name_until_it_ends_or_is_given_up(server: AgentServer, store: MemoryStore) -> None:
    one = item("a", 1)
    await put(store, one)
    where = (one.agent_id, one.interrupt.id)
    mine = await server.claim(*where, "anna")
    assert mine.by == "anna"
    assert mine.until - datetime.now(UTC) > 14 * MINUTE
    assert (await server.claim(*where, "bob")).by == "anna"
    assert [claimed.claim and claimed.claim.by for claimed in await server.inbox(claimed=True)] == ["anna"]
    assert not await server.release(*where, "bob")
    assert await server.release(*where, "anna")
    assert await found(server, claimed=False) == ["a"]
    assert (await server.claim(*where, "bob", for_=timedelta(microseconds=1))).by == "bob"
    assert (await server.claim(*where, "anna")).by == "anna"


async def test_only_what_waits_is_claimed_and_by_somebody(server: AgentServer, store: MemoryStore) -> None:
    await put(store, item("a", 1))
    with pytest.raises(InterruptUnknown) as unknown:
        await server.claim("a", "int_other", "anna")
    assert unknown.value.interrupt_id == "int_other"
    for by, time in (("", MINUTE), ("anna", timedelta())):
        with pytest.raises(InvalidInput):
            await server.claim("a", item("a", 1).interrupt.id, by, for_=time)


# ── the log of decisions ─────────────────────────────────────────────────────────────────────────────────────────


def entry(number: int, **fields: Any) -> str:
    made = Entry(
        slot=f"s{number}",
        kind=EntryKind.DECIDED,
        interrupt_id=f"int_{number}",
        at=LONG_AGO,
        who=Who(subject="anna"),
        **fields,
    )
    return made.model_dump_json()


async def test_a_log_is_read_page_by_page_and_found_whole(
    server: AgentServer, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagents.client.inbox.PAGE", 4)
    await save(store, "a", [], entries=tuple(entry(number) for number in range(10)))
    rows = await server.decision_log("a")
    assert [row.number for row in rows] == list(range(1, 11))
    assert rows[0].entry.who == Who(subject="anna")
    assert await server.verify_log("a") is None
    assert await server.decision_log("b") == []
    assert await server.verify_log("b") is None
    assert await server.logged_agents() == ["a"]


class Tampered(MemoryStore):
    """A store whose rows somebody has changed by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.change: Callable[[list[Any]], list[Any]] = lambda rows: rows

    async def logged(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[str, ...]:
        rows: list[Any] = [json.loads(text) for text in await super().logged(agent_id, 0, 500)]
        changed = [row if isinstance(row, str) else json.dumps(row) for row in self.change(rows)]
        return tuple(changed[after : after + limit])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (
            lambda rows: [rows[0] | {"entry": rows[0]["entry"] | {"interrupt_id": "int_9"}}, *rows[1:]],
            "row 1 was changed",
        ),
        (lambda rows: [row | {"agent_id": "b"} for row in rows], "row 1 belongs to the log of 'b'"),
        (lambda rows: ["not a row", *rows[1:]], "cannot be read"),
    ],
    ids=["changed", "another's", "garbage"],
)
async def test_a_log_that_somebody_changed_is_found_and_says_where(change: Any, where: str) -> None:
    store = Tampered()
    server = await out_of_reach(store)
    await save(store, "a", [], entries=(entry(1), entry(2)))
    assert await server.verify_log("a") is None
    store.change = change
    assert where in (await server.verify_log("a") or "")


async def test_a_row_that_cannot_be_read_is_damage(server: AgentServer) -> None:
    store = Tampered()
    await save(store, "a", [], entries=(entry(1),))
    store.change = lambda rows: ["garbage"]
    with pytest.raises(Damaged, match="log of 'a'"):
        await (await out_of_reach(store)).decision_log("a")


# ── remembered decisions ─────────────────────────────────────────────────────────────────────────────────────────


def rule(rule_id: str, **fields: Any) -> str:
    made = Rule(id=rule_id, key=f"conversation:{rule_id}", scope="conversation", tool="refund", at=LONG_AGO, **fields)
    return made.model_dump_json()


async def test_rules_are_listed_and_revoked_for_good(server: AgentServer, store: MemoryStore) -> None:
    rules = (rule("r1", agent_id="a"), rule("r2", tenant="acme"), rule("r3", expires_at=LONG_AGO + MINUTE))
    await save(store, "a", [], rules=rules)
    assert [one.id for one in await server.rules()] == ["r1", "r2"]
    assert [one.id for one in await server.rules(ended=True)] == ["r1", "r2", "r3"]
    assert [one.id for one in await server.rules(agent_id="a")] == ["r1"]
    assert [one.id for one in await server.rules(tenant="acme", tool="refund", scope="conversation")] == ["r2"]
    assert await server.revoke_rule("r1", "anna")
    assert not await server.revoke_rule("r1", "bob")
    assert not await server.revoke_rule("r9", "anna")
    [revoked] = [one for one in await server.rules(ended=True) if one.id == "r1"]
    assert (revoked.revoked_by, await server.rules(agent_id="a")) == ("anna", [])
    with pytest.raises(InvalidInput, match="name"):
        await server.revoke_rule("r2", "")
