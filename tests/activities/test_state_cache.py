"""What a worker process remembers of states, and when it forgets."""

from sagents.known import Known
from sagents.messages import Message
from sagents.operations import AddMessages
from sagents_activities.known import StateCache


def known(text: str) -> Known:
    return Known().after([AddMessages(messages=(Message.user(text),))])


def test_the_least_recently_used_states_are_forgotten() -> None:
    cache = StateCache(limit=40_000)
    for agent_id in ("a", "b", "c"):
        cache.put(agent_id, known("x" * 10_000))
    assert cache.get("a") is not None
    cache.put("d", known("x" * 10_000))
    assert [agent_id for agent_id in "abcd" if cache.get(agent_id)] == ["a", "c", "d"]


def test_many_small_states_count_for_the_memory_that_they_take_not_for_their_text() -> None:
    cache = StateCache(limit=100_000)
    for number in range(1_000):
        cache.put(f"agent {number}", known("hello"))
    assert sum(cache.get(f"agent {number}") is not None for number in range(1_000)) < 60


def test_a_single_state_larger_than_the_limit_is_remembered() -> None:
    cache = StateCache(limit=1_000).put("a", known("x" * 10_000))
    assert cache.get("a") is not None
