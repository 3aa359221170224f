"""What every `Connections` promises: whose a connection is, what it watches, and that nothing outlives its end."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sagents.connections import MOST_WATCHED, Connection, Connections
from sagents.errors import AgentNotFound, InvalidInput
from sagents.principal import Principal
from sagents_infra.connections import LocalConnections, MemoryConnections
from sagents_infra.connections.dynamodb import DynamoDBConnections
from tests.support.noon import NOON, Clock, after
from tests.support.tables import Place

AGENT, OTHER = "acme:conversation-1", "acme:conversation-11"
ADA = Principal("ada", groups=("staff", "owners"), tenant="acme", expires_at=NOON + timedelta(hours=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "local", "dynamodb"])
def connections(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Connections]:
    if request.param == "memory":
        yield MemoryConnections(clock)
        return
    if request.param == "local":
        kept: LocalConnections | DynamoDBConnections = LocalConnections(tmp_path / "connections.db", clock)
    else:
        place: Place = request.getfixturevalue("place")
        kept = DynamoDBConnections(place.client, place.table, clock)
    yield kept
    kept.release()


def a_connection(id: str = "c1", who: Principal = ADA, lease: float = 60) -> Connection:
    """With a lease that ends this many seconds after noon."""
    return Connection(id=id, who=who, until=after(lease))


async def watchers(connections: Connections, agent_id: str = AGENT) -> list[str]:
    return [one.id for one in await connections.watching(agent_id)]


async def opened(connections: Connections, *ids: str, **fields: Any) -> None:
    """Connections that watch the agent."""
    for id in ids:
        await connections.open(a_connection(id, **fields))
        await connections.subscribe(id, AGENT, 0, "acme")


# Whose it is and what it watches


@pytest.mark.asyncio
async def test_a_connection_is_kept_whole(connections: Connections) -> None:
    await connections.open(a_connection().but(scopes=("sagents:read",)))
    assert await connections.get("c1") == a_connection().but(scopes=("sagents:read",))
    assert await connections.get("c2") is None
    assert await watchers(connections) == []


@pytest.mark.asyncio
async def test_who_watches_an_agent_is_found_with_all_that_is_known_of_them(connections: Connections) -> None:
    await connections.open(a_connection())
    watching = await connections.subscribe("c1", AGENT, 7, "acme")
    assert watching == a_connection().but(watches={AGENT: 7})
    assert await connections.watching(AGENT) == (watching,)
    assert await connections.watching(OTHER) == ()
    assert await connections.get("c1") == watching


@pytest.mark.asyncio
async def test_an_agent_is_watched_by_several_and_one_watches_several(connections: Connections) -> None:
    """B-131."""
    await opened(connections, "c2", "c1", "c3")
    await connections.subscribe("c2", OTHER, 0, "acme")
    assert await watchers(connections) == ["c1", "c2", "c3"]
    assert await watchers(connections, OTHER) == ["c2"]
    await connections.unsubscribe("c2", AGENT)
    assert await watchers(connections) == ["c1", "c3"]
    assert await watchers(connections, OTHER) == ["c2"]


@pytest.mark.asyncio
async def test_subscribing_again_goes_on_from_the_newer_place(connections: Connections) -> None:
    await opened(connections, "c1")
    for known in (3, 3, 9):
        await connections.subscribe("c1", AGENT, known, "acme")
    assert [one.watches for one in await connections.watching(AGENT)] == [{AGENT: 9}]
    await connections.unsubscribe("c1", AGENT)
    assert await watchers(connections) == []


@pytest.mark.asyncio
async def test_what_is_not_watched_is_left_without_harm(connections: Connections) -> None:
    await opened(connections, "c1")
    assert await connections.unsubscribe("c1", OTHER) == a_connection().but(watches={AGENT: 0})
    assert await watchers(connections) == ["c1"]


@pytest.mark.asyncio
async def test_closing_says_what_was_watched_and_forgets_it(connections: Connections) -> None:
    await opened(connections, "c1", "c2")
    await connections.subscribe("c1", OTHER, 5, "acme")
    assert await connections.close("c1") == a_connection().but(watches={AGENT: 0, OTHER: 5})
    assert await connections.close("c1") is None
    assert await connections.get("c1") is None
    assert (await watchers(connections), await watchers(connections, OTHER)) == (["c2"], [])


@pytest.mark.asyncio
async def test_opening_again_changes_nothing(connections: Connections) -> None:
    """The door's request is delivered twice."""
    await opened(connections, "c1")
    await connections.open(a_connection(who=Principal("ben", tenant="other"), lease=600))
    assert await connections.get("c1") == a_connection().but(watches={AGENT: 0})


@pytest.mark.asyncio
async def test_a_new_connection_watches_nothing_yet(connections: Connections) -> None:
    await connections.open(a_connection().but(watches={AGENT: 0}))
    assert await connections.get("c1") == a_connection()
    assert await watchers(connections) == []


@pytest.mark.asyncio
async def test_ids_with_any_signs_are_kept_apart(connections: Connections) -> None:
    ids = ["a#b", "a", "a ~b", "L0SM9cOFvHcCIhw=", "ü🌍"]
    agents = ["acme:a", "acme:a#b", "acme:a/worker/1", "acme:ü🌍", "acme:" + "x" * 1000]
    for id, agent_id in zip(ids, agents, strict=True):
        await connections.open(a_connection(id))
        await connections.subscribe(id, agent_id, 0, "acme")
    assert [await watchers(connections, agent_id) for agent_id in agents] == [[id] for id in ids]


@pytest.mark.asyncio
async def test_one_connection_watches_so_many_agents_and_no_more(connections: Connections) -> None:
    await connections.open(a_connection())
    agents = [f"acme:{number:03}" for number in range(MOST_WATCHED)]
    for agent_id in agents:
        await connections.subscribe("c1", agent_id, 0, "acme")
    with pytest.raises(InvalidInput, match=f"{MOST_WATCHED} agents at most"):
        await connections.subscribe("c1", "acme:one-more", 0, "acme")
    await connections.subscribe("c1", agents[0], 8, "acme")
    assert await watchers(connections, "acme:one-more") == []
    closed = await connections.close("c1")
    assert closed is not None
    assert sorted(closed.watches) == agents
    assert [await watchers(connections, agent_id) for agent_id in agents] == [[]] * MOST_WATCHED


@pytest.mark.asyncio
async def test_subscribing_at_once_loses_nothing(connections: Connections) -> None:
    agents = [f"acme:{number}" for number in range(8)]
    await connections.open(a_connection())
    await asyncio.gather(*(connections.subscribe("c1", agent_id, 0, "acme") for agent_id in agents))
    assert [await watchers(connections, agent_id) for agent_id in agents] == [["c1"]] * 8


# Leases and tokens


@pytest.mark.asyncio
async def test_a_lost_disconnect_ends_with_the_lease(connections: Connections, clock: Clock) -> None:
    await opened(connections, "c1")
    clock.at(59.999)
    assert await watchers(connections) == ["c1"]
    clock.at(60)
    assert await watchers(connections) == []
    assert await connections.get("c1") is None


@pytest.mark.asyncio
async def test_a_ping_renews_the_lease_and_a_late_one_does_not_shorten_it(
    connections: Connections, clock: Clock
) -> None:
    await opened(connections, "c1")
    for lease in (90, 75):
        renewed = await connections.renew("c1", after(lease))
        assert renewed is not None
        assert renewed.until == after(90)
    clock.at(89)
    assert await watchers(connections) == ["c1"]
    clock.at(90)
    assert await watchers(connections) == []


@pytest.mark.asyncio
async def test_nothing_holds_after_the_end_of_the_token_whatever_is_renewed(
    connections: Connections, clock: Clock
) -> None:
    await opened(connections, "c1", lease=7200)
    await connections.renew("c1", after(9000))
    clock.at(3599.999)
    assert await watchers(connections) == ["c1"]
    clock.at(3600)
    assert await watchers(connections) == []
    assert await connections.renew("c1", after(9000)) is None


@pytest.mark.asyncio
async def test_a_token_without_an_end_leaves_it_to_the_lease(connections: Connections, clock: Clock) -> None:
    await opened(connections, "c1", who=Principal("ada", tenant="acme"), lease=7200)
    clock.at(7199)
    assert await watchers(connections) == ["c1"]
    clock.at(7200)
    assert await watchers(connections) == []


@pytest.mark.asyncio
async def test_what_has_ended_or_never_was_is_not_changed(connections: Connections, clock: Clock) -> None:
    await opened(connections, "c1")
    clock.at(60)
    for id in ("c1", "nobody"):
        assert await connections.renew(id, after(600)) is None
        assert await connections.subscribe(id, OTHER, 0, "acme") is None
        assert await connections.unsubscribe(id, AGENT) is None
    clock.at(0)
    assert await watchers(connections, OTHER) == []


@pytest.mark.asyncio
async def test_an_id_that_is_used_again_after_its_end_watches_nothing(connections: Connections, clock: Clock) -> None:
    await opened(connections, "c1")
    clock.at(61)
    await connections.open(a_connection(lease=600))
    assert await connections.get("c1") == a_connection(lease=600)
    assert await watchers(connections) == []


@pytest.mark.asyncio
async def test_what_has_ended_is_swept_and_others_stay(connections: Connections, clock: Clock) -> None:
    """E-56: entries cannot pile up, whoever forgets to close them."""
    await opened(connections, "c1", "c2")
    await connections.renew("c2", after(600))
    clock.at(300)
    await opened(connections, "c3", lease=600)
    assert await watchers(connections) == ["c2", "c3"]
    clock.at(0)  # whoever looks with an older clock finds no trace that would still hold
    assert await watchers(connections) == ["c2", "c3"]


# Tickets


@pytest.mark.asyncio
async def test_a_ticket_opens_one_connection_and_a_repetition_is_the_same_one(connections: Connections) -> None:
    assert await connections.spend("acme:t1", "c1", after(60))
    assert await connections.spend("acme:t1", "c1", after(60))  # its answer was lost
    assert not await connections.spend("acme:t1", "c2", after(60))
    assert await connections.spend("acme:t2", "c2", after(60))


@pytest.mark.asyncio
async def test_of_many_at_once_one_comes_by_a_ticket(connections: Connections) -> None:
    came = await asyncio.gather(*(connections.spend("acme:t1", f"c{number}", after(60)) for number in range(8)))
    assert sorted(came) == [False] * 7 + [True]


# What viewers look at


@pytest.mark.asyncio
async def test_what_viewers_of_an_agent_look_at_is_kept_until_it_is_watched_no_more(connections: Connections) -> None:
    await opened(connections, "c1")
    watching = a_connection().but(watches={AGENT: 5}, topics={AGENT: "conversation:1"})
    for topic in ("conversation:1", ""):
        assert await connections.subscribe("c1", AGENT, 5, "acme", topic) == watching
    assert await connections.get("c1") == watching
    assert await connections.unsubscribe("c1", AGENT) == a_connection()


# What is refused


@pytest.mark.parametrize("tenant", [None, "", "other", "ACME"])
@pytest.mark.asyncio
async def test_an_agent_of_another_tenant_is_not_there(connections: Connections, tenant: str | None) -> None:
    await connections.open(a_connection())
    with pytest.raises(AgentNotFound):
        await connections.subscribe("c1", AGENT, 0, tenant)
    assert await watchers(connections) == []


@pytest.mark.asyncio
async def test_who_has_no_tenant_watches_agents_that_have_none(connections: Connections) -> None:
    await connections.open(a_connection(who=Principal("ada")))
    await connections.subscribe("c1", AGENT, 0)
    assert await watchers(connections) == ["c1"]
    with pytest.raises(AgentNotFound):
        await connections.subscribe("c1", OTHER, 0, "acme")


@pytest.mark.parametrize("id", ["", "  ", "x" * 201], ids=["empty", "blank", "long"])
@pytest.mark.asyncio
async def test_a_connection_without_an_id_is_refused(connections: Connections, id: str) -> None:
    with pytest.raises(InvalidInput, match="needs an id"):
        await connections.open(a_connection(id))


@pytest.mark.asyncio
async def test_times_without_a_time_zone_are_refused(connections: Connections) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(InvalidInput, match="time zone"):
        await connections.open(a_connection(who=Principal("ada", expires_at=naive)))
    assert await connections.get("c1") is None
    await connections.open(a_connection())
    with pytest.raises(InvalidInput, match="time zone"):
        await connections.renew("c1", naive)
