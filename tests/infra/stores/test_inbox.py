"""The inbox over many agents, as doors read it from the store alone: each filter, and claims."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from sagents.approvers import groups, users
from sagents.inbox import InboxItem, Wanted, listed
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.ports import Save, Store
from sagents.principal import Principal

pytestmark = pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)  # filters ask no more of a table

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MANY = 980
TOOLS = ("send_mail", "delete_all", "pay", None)
RISKS = ("low", "high", None)
ANNA, BEN = Principal("anna", groups=("ops",), tenant="acme"), Principal("ben", tenant="acme")


def item(n: int) -> InboxItem:
    """The n-th of many, made n minutes before noon, with each property in a rhythm of its own."""
    tool, made = TOOLS[n % 4], NOON - timedelta(minutes=n)
    interrupt = Interrupt(
        id=f"int_{n}",
        reason="tool_call" if tool else "input_required",
        tool=tool,
        arguments={"amount": n % 10, "dry_run": n % 20 == 1, "to": {"name": "Zoë 🌍"}} if tool else None,
        risk=RISKS[n % 3],
        approvers=(groups("ops"), users("ben"), None)[n % 3],
        self_approval=n % 7 != 0,
        requesters=("anna",) if n % 14 else (),  # then it is her agent that asks
        created_at=made,
        expires_at=made + timedelta(hours=9) if n % 2 else None,
    )
    tenant = ("acme", "acme", "acme", "other")[n % 4]
    return InboxItem(
        agent_id=f"agent-{n}", agent=("mailer", "cleaner")[n % 2], interrupt=interrupt, owner="anna", tenant=tenant
    )


@pytest_asyncio.fixture
async def inbox(store: Store) -> Store:
    """A store in which MANY agents wait; every tenth is claimed by Anna until five past, every eleventh was by Ben."""
    for n in range(MANY):
        agent_id = f"agent-{n}"
        await store.take_over(agent_id, "run", 0)
        text = item(n).model_dump_json()
        await store.save(Save(agent_id=agent_id, workflow_run_id="run", seq=0, head="{}", interrupts=(text,)))
        if n % 10 == 0:
            await store.claim(agent_id, f"int_{n}", "anna", NOON + timedelta(minutes=5), NOON)
        elif n % 11 == 0:
            await store.claim(agent_id, f"int_{n}", "ben", NOON, NOON - timedelta(minutes=5))
    return store


async def found(store: Store, **wanted: Any) -> list[int]:
    """The numbers of the items that are wanted at noon, oldest first."""
    items = listed(await store.interrupts(), await store.claims(), Wanted(**wanted), NOON)
    assert all(one.but(claim=None) == item(number(one)) for one in items)
    return [number(one) for one in items]


def number(item: InboxItem) -> int:
    return int(item.interrupt.id.removeprefix("int_"))


def is_expired(n: int) -> bool:
    return n % 2 == 1 and n >= 9 * 60


def oldest_first(wanted: Any) -> list[int]:
    return [n for n in reversed(range(MANY)) if wanted(n)]


@pytest.mark.asyncio
async def test_the_inbox_filters_by_all_that_people_ask_for(inbox: Store) -> None:
    """Approvals over all agents, as user interfaces list them (B-88)."""
    everything: dict[str, Any] = {"status": None}
    assert await found(inbox, **everything) == oldest_first(lambda n: True)
    # by status: a deadline passes unseen where the agent sleeps
    assert await found(inbox) == oldest_first(lambda n: not is_expired(n))
    assert await found(inbox, status=InterruptStatus.EXPIRED) == oldest_first(is_expired)
    assert await found(inbox, status=InterruptStatus.APPROVED) == []
    # by what is asked
    assert await found(inbox, **everything, tool="pay") == oldest_first(lambda n: n % 4 == 2)
    assert await found(inbox, **everything, tool="unknown") == []
    assert await found(inbox, **everything, reason="input_required") == oldest_first(lambda n: n % 4 == 3)
    assert await found(inbox, **everything, risk="high") == oldest_first(lambda n: n % 3 == 1)
    # by whose agent it is
    assert await found(inbox, **everything, agent="cleaner") == oldest_first(lambda n: n % 2 == 1)
    assert await found(inbox, **everything, agent_id="agent-7") == [7]
    assert await found(inbox, **everything, tenant="other") == oldest_first(lambda n: n % 4 == 3)
    # by age, to the minute
    assert await found(inbox, **everything, older_than=timedelta(minutes=900)) == oldest_first(lambda n: n >= 900)
    # all of it together
    assert await found(inbox, tool="pay", risk="high", older_than=timedelta(hours=10), argument={"amount": 0}) == (
        oldest_first(lambda n: n % 4 == 2 and n % 3 == 1 and n >= 600 and n % 10 == 0)
    )


@pytest.mark.asyncio
async def test_me_means_what_this_person_may_decide(inbox: Store) -> None:
    """By group, by name, or anybody; nobody approves what they asked for themselves, nor another tenant's."""
    annas = oldest_first(lambda n: n % 4 != 3 and n % 3 != 1 and n % 7 != 0)
    bens = oldest_first(lambda n: n % 4 != 3 and n % 3 != 0)
    assert await found(inbox, status=None, approver=ANNA) == annas
    assert await found(inbox, status=None, approver=BEN) == bens
    assert await found(inbox, status=None, approver=Principal("anna", groups=("ops",))) == []  # of no tenant


@pytest.mark.asyncio
async def test_an_arguments_value_is_compared_as_json(inbox: Store) -> None:
    async def by(**argument: Any) -> list[int]:
        return await found(inbox, status=None, argument=argument)

    assert await by(amount=3) == oldest_first(lambda n: n % 4 != 3 and n % 10 == 3)
    assert await by(amount=1) == await by(amount=1.0) != []
    assert await by(amount=True) == []  # which is 1 in Python
    assert await by(dry_run=True, amount=1) == oldest_first(lambda n: n % 4 != 3 and n % 20 == 1)
    assert await by(dry_run=1) == []
    assert await by(to={"name": "Zoë 🌍"}) == oldest_first(lambda n: n % 4 != 3)
    assert await by(unknown=None) == []  # is not there, which is not null


@pytest.mark.asyncio
async def test_a_claim_counts_until_it_ends(inbox: Store) -> None:
    claimed = oldest_first(lambda n: n % 10 == 0)
    assert await found(inbox, status=None, claimed=True) == claimed
    assert await found(inbox, status=None, claimed=False) == oldest_first(lambda n: n % 10 != 0)
    items = listed(await inbox.interrupts(), await inbox.claims(), Wanted(status=None, claimed=True), NOON)
    assert {one.claim.by for one in items if one.claim} == {"anna"}
    later = NOON + timedelta(minutes=5)
    assert listed(await inbox.interrupts(), await inbox.claims(), Wanted(status=None, claimed=True), later) == []


@pytest.mark.asyncio
async def test_what_is_decided_leaves_the_inbox_with_its_claim(inbox: Store) -> None:
    await inbox.save(Save(agent_id="agent-10", workflow_run_id="run", seq=1, head="{}"))
    assert await found(inbox, status=None) == oldest_first(lambda n: n != 10)
    assert await inbox.claims("agent-10") == ()


@pytest.mark.parametrize(
    ("body", "id", "reason"),
    [
        (Interrupt(id="bare", tool="pay").model_dump_json(), "bare", "tool_call"),
        ('{"agent_id": "agent", "interrupt": {"id": "int_1", "status": "dreamt"}}', "", "unreadable"),
        ("no JSON", "", "unreadable"),
    ],
)
@pytest.mark.asyncio
async def test_what_another_version_wrote_is_listed_too(store: Store, body: str, id: str, reason: str) -> None:
    """Hidden, a question would wait for ever."""
    await store.take_over("agent", "run", 0)
    await store.save(Save(agent_id="agent", workflow_run_id="run", seq=0, head="{}", interrupts=(body,)))
    (item,) = listed(await store.interrupts(), (), Wanted(), NOON)
    assert (item.agent_id, item.interrupt.id, item.interrupt.reason) == ("agent", id, reason)
    assert (item.interrupt.problem is None) == (item.interrupt.allowed_decisions != ())
