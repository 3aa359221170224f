"""What every `Presence` promises: who looks at which topic, by person, each with their connections and leases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sagents.errors import InvalidInput
from sagents.ports import Presence
from sagents.viewers import NOBODY_SAID, Viewer
from sagents_infra.presence import LocalPresence, MemoryPresence
from sagents_infra.presence.dynamodb import DynamoDBPresence
from tests.support.noon import NOON, Clock, after
from tests.support.tables import Place

TOPIC, OTHER = "conversation:1", "conversation:2"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "local", "dynamodb"])
def presence(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Presence]:
    if request.param == "memory":
        yield MemoryPresence(clock)
        return
    if request.param == "local":
        kept: LocalPresence | DynamoDBPresence = LocalPresence(tmp_path / "presence.sqlite", clock)
    else:
        place: Place = request.getfixturevalue("place")
        kept = DynamoDBPresence(place.client, place.table, clock)
    yield kept
    kept.close()


def a_viewer(name: str, *connections: str, lease: float | None = None, **fields: Any) -> Viewer:
    """With a lease that ends this many seconds after noon."""
    until = None if lease is None else after(lease)
    return Viewer(viewer=name, connections=connections, until=until, **fields)


async def names(presence: Presence, topic: str = TOPIC) -> list[str]:
    return [one.viewer for one in (await presence.viewers(topic)).present]


async def the(name: str, presence: Presence, topic: str = TOPIC) -> Viewer:
    viewer = (await presence.viewers(topic)).get(name)
    assert viewer is not None
    return viewer


# People and their connections


@pytest.mark.asyncio
async def test_nobody_looks_at_a_topic_until_somebody_joins(presence: Presence) -> None:
    assert not await presence.viewers(TOPIC)
    await presence.leave(TOPIC, "ada")
    assert not await presence.viewers(TOPIC)


@pytest.mark.asyncio
async def test_a_viewer_is_tracked_on_a_topic_with_metadata_and_when_they_joined(presence: Presence) -> None:
    """L-29."""
    joining = a_viewer("ada", "tab-1", lease=60, joined_at=after(-5), metadata={"name": "Ada", "ü": [1]})
    await presence.join(TOPIC, joining)
    assert (await presence.viewers(TOPIC)).present == (joining,)
    assert not await presence.viewers(OTHER)


@pytest.mark.asyncio
async def test_who_does_not_say_when_they_joined_joined_now(presence: Presence, clock: Clock) -> None:
    clock.at(3)
    await presence.join(TOPIC, a_viewer("ada"))
    assert (await the("ada", presence)).joined_at == after(3)


@pytest.mark.asyncio
async def test_viewers_count_by_person_and_not_by_tab_or_device(presence: Presence) -> None:
    """L-30."""
    for connection in ("tab-1", "tab-2", "phone"):
        await presence.join(TOPIC, a_viewer("ada", connection))
    await presence.join(TOPIC, a_viewer("ben", "tab-1"))
    viewers = await presence.viewers(TOPIC)
    assert len(viewers.present) == 2
    assert (await the("ada", presence)).connections == ("tab-1", "tab-2", "phone")


@pytest.mark.asyncio
async def test_a_person_leaves_with_their_last_connection(presence: Presence) -> None:
    await presence.join(TOPIC, a_viewer("ada", "tab-1", "tab-2"))
    await presence.leave(TOPIC, "ada", "tab-1")
    assert (await the("ada", presence)).connections == ("tab-2",)
    await presence.leave(TOPIC, "ada", "tab-2")
    assert not await presence.viewers(TOPIC)


@pytest.mark.asyncio
async def test_a_person_leaves_at_once_where_no_connection_is_named(presence: Presence) -> None:
    await presence.join(TOPIC, a_viewer("ada", "tab-1", "tab-2"))
    await presence.join(TOPIC, a_viewer("ben"))
    await presence.leave(TOPIC, "ada")
    assert await names(presence) == ["ben"]


@pytest.mark.asyncio
async def test_who_names_no_connection_has_one_that_nobody_said(presence: Presence) -> None:
    await presence.join(TOPIC, a_viewer("ada"))
    await presence.join(TOPIC, a_viewer("ada", "tab-1"))
    await presence.leave(TOPIC, "ada", "tab-1")
    assert (await the("ada", presence)).connections == (NOBODY_SAID,)
    await presence.leave(TOPIC, "ada", NOBODY_SAID)
    assert not await presence.viewers(TOPIC)


@pytest.mark.asyncio
async def test_a_connection_that_is_not_there_leaves_without_harm(presence: Presence) -> None:
    await presence.join(TOPIC, a_viewer("ada", "tab-1"))
    await presence.leave(TOPIC, "ada", "tab-9")
    await presence.leave(TOPIC, "ben")
    await presence.leave(OTHER, "ada")
    assert await names(presence) == ["ada"]


@pytest.mark.asyncio
async def test_joining_again_keeps_joined_at_and_adds_nothing(presence: Presence, clock: Clock) -> None:
    """E-56: re-tracking is no new entry, however often a page syncs."""
    await presence.join(TOPIC, a_viewer("ada", "tab-1", metadata={"name": "Ada"}))
    for second in range(1, 20):
        clock.at(second)
        await presence.join(TOPIC, a_viewer("ada", "tab-1", joined_at=after(second)))
    assert await the("ada", presence) == a_viewer("ada", "tab-1", joined_at=NOON, metadata={"name": "Ada"})


@pytest.mark.asyncio
async def test_joined_at_stays_when_the_first_connection_leaves(presence: Presence, clock: Clock) -> None:
    """A refreshed page joins before its old connection leaves."""
    await presence.join(TOPIC, a_viewer("ada", "tab-1"))
    clock.at(9)
    await presence.join(TOPIC, a_viewer("ada", "tab-2"))
    await presence.leave(TOPIC, "ada", "tab-1")
    assert (await the("ada", presence)).joined_at == NOON


@pytest.mark.asyncio
async def test_one_person_looks_at_several_conversations_and_leaves_each_by_itself(presence: Presence) -> None:
    """B-131."""
    await presence.join(TOPIC, a_viewer("ada", "tab-1"))
    await presence.join(OTHER, a_viewer("ada", "tab-1"))
    await presence.leave(TOPIC, "ada", "tab-1")
    assert (await names(presence, TOPIC), await names(presence, OTHER)) == ([], ["ada"])


@pytest.mark.asyncio
async def test_who_came_first_is_named_first(presence: Presence, clock: Clock) -> None:
    for second, name in enumerate(["zoe", "ada", "mia"]):
        clock.at(second)
        await presence.join(TOPIC, a_viewer(name))
    await presence.join(TOPIC, a_viewer("zoe", "tab-2"))
    assert await names(presence) == ["zoe", "ada", "mia"]


# Leases


@pytest.mark.asyncio
async def test_a_viewer_whose_disconnect_was_lost_is_gone_when_the_lease_ends(presence: Presence, clock: Clock) -> None:
    await presence.join(TOPIC, a_viewer("ada", "tab-1", lease=60))
    clock.at(59.999)
    assert await names(presence) == ["ada"]
    clock.at(60)
    assert not await presence.viewers(TOPIC)


@pytest.mark.asyncio
async def test_a_ping_renews_the_lease_and_a_late_one_does_not_shorten_it(presence: Presence, clock: Clock) -> None:
    for lease in (60, 90, 75):
        await presence.join(TOPIC, a_viewer("ada", "tab-1", lease=lease))
    viewers = await presence.viewers(TOPIC)
    assert viewers.until == after(90)
    clock.at(89)
    assert await names(presence) == ["ada"]
    clock.at(90)
    assert await names(presence) == []


@pytest.mark.asyncio
async def test_a_lost_tab_ends_with_its_own_lease_and_not_with_the_others(presence: Presence, clock: Clock) -> None:
    # lost   ──join──x              lease: 60
    # kept   ──join────ping──leave  lease: 200; nobody is there any more
    await presence.join(TOPIC, a_viewer("ada", "lost", lease=60))
    await presence.join(TOPIC, a_viewer("ada", "kept", lease=60))
    clock.at(50)
    await presence.join(TOPIC, a_viewer("ada", "kept", lease=200))
    clock.at(100)
    assert await the("ada", presence) == a_viewer("ada", "kept", lease=200, joined_at=NOON)
    await presence.leave(TOPIC, "ada", "kept")
    assert not await presence.viewers(TOPIC)


@pytest.mark.asyncio
async def test_a_connection_without_a_lease_lasts_until_it_leaves(presence: Presence, clock: Clock) -> None:
    await presence.join(TOPIC, a_viewer("ada", "cli"))
    await presence.join(TOPIC, a_viewer("ada", "tab-1", lease=60))
    assert (await presence.viewers(TOPIC)).until is None
    clock.at(1_000_000)
    assert (await the("ada", presence)).connections == ("cli",)


@pytest.mark.asyncio
async def test_who_comes_back_after_the_lease_ended_joins_anew(presence: Presence, clock: Clock) -> None:
    await presence.join(TOPIC, a_viewer("ada", "tab-1", lease=60, metadata={"page": 1}))
    clock.at(61)
    await presence.join(TOPIC, a_viewer("ada", "tab-2", lease=120))
    assert await the("ada", presence) == a_viewer("ada", "tab-2", lease=120, joined_at=after(61))


@pytest.mark.asyncio
async def test_a_lease_that_has_ended_before_it_arrives_holds_nothing(presence: Presence, clock: Clock) -> None:
    """E-56: a failed track holds nothing."""
    clock.at(61)
    await presence.join(TOPIC, a_viewer("ada", "tab-1", lease=60))
    clock.at(0)
    assert not await presence.viewers(TOPIC)


# What is refused


@pytest.mark.parametrize("nothing", ["", "  ", None])
@pytest.mark.asyncio
async def test_nobody_and_nowhere_are_refused_and_hold_nothing(presence: Presence, nothing: str | None) -> None:
    """E-56."""
    name = cast(str, nothing)
    with pytest.raises(InvalidInput, match=r"id of a topic.*nothing was changed"):
        await presence.join(name, a_viewer("ada"))
    with pytest.raises(InvalidInput, match="id of a viewer"):
        await presence.join(TOPIC, a_viewer("ada").but(viewer=name))
    with pytest.raises(InvalidInput, match="id of a topic"):
        await presence.leave(name, "ada")
    with pytest.raises(InvalidInput, match="id of a viewer"):
        await presence.leave(TOPIC, name)
    assert not await presence.viewers(TOPIC)
    assert not await presence.viewers(name)


@pytest.mark.parametrize("field", ["joined_at", "until"])
@pytest.mark.asyncio
async def test_times_without_a_time_zone_are_refused(presence: Presence, field: str) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        await presence.join(TOPIC, a_viewer("ada").but(**{field: NOON.replace(tzinfo=None)}))
    assert not await presence.viewers(TOPIC)
