"""How much one caller may ask."""

from contextlib import suppress

import pytest

from sagents_infra.http import buckets
from sagents_infra.http.buckets import Buckets
from sagents_infra.http.problems import TOO_MANY, Refusal


class Clock:
    """Stands still until somebody moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: Buckets, subject: str, times: int) -> int:
    """How many of so many requests are let through."""
    through = 0
    for _ in range(times):
        with suppress(Refusal):
            bucket.take(subject)
            through += 1
    return through


def test_a_bucket_fills_as_time_goes_by_and_never_over_its_rim() -> None:
    clock = Clock()
    bucket = Buckets(rate=2, burst=5, clock=clock)
    assert taken(bucket, "ann", 9) == 5
    clock.now += 1
    assert taken(bucket, "ann", 9) == 2
    clock.now += 3600
    assert taken(bucket, "ann", 9) == 5
    assert taken(bucket, "ben", 9) == 5


def test_who_is_refused_is_told_when_the_next_one_is_let_through() -> None:
    clock = Clock()
    bucket = Buckets(rate=0.1, burst=1, clock=clock)
    bucket.take("ann")
    with pytest.raises(Refusal) as refused:
        bucket.take("ann")
    assert refused.value.kind is TOO_MANY
    clock.now += int(refused.value.headers["Retry-After"])
    bucket.take("ann")


def test_refused_requests_cost_nothing() -> None:
    clock = Clock()
    bucket = Buckets(rate=1, burst=1, clock=clock)
    assert taken(bucket, "ann", 100) == 1
    clock.now += 1
    assert taken(bucket, "ann", 1) == 1


def test_a_rate_of_zero_counts_nobody_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "REMEMBERED", 10)
    assert taken(Buckets(rate=0, burst=1), "ann", 100) == 100
    bucket = Buckets(rate=1, burst=1, clock=Clock())
    for number in range(50):
        bucket.take(f"person {number}")
    assert len(bucket._left) == 10
