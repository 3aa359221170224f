"""A worker counts as idle from the end of its last activity or workflow task."""

import asyncio
from datetime import timedelta
from unittest.mock import AsyncMock, Mock

import pytest
from temporalio.worker import Worker

from sagents_infra.aws.idle import IdleExit, Work


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(clock: Clock) -> Work:
    return Work(clock)


def test_what_is_left_shrinks_while_nothing_happens(work: Work, clock: Clock) -> None:
    clock.now += 3
    assert work.left(5) == 2


def test_patience_is_whole_again_after_each_end(work: Work, clock: Clock) -> None:
    clock.now += 3
    with work.under_way():
        clock.now += 1
    assert work.left(5) == 5


def test_nothing_shrinks_while_something_is_under_way(work: Work, clock: Clock) -> None:
    with work.under_way():
        clock.now += 60
        assert work.left(5) == 5


def test_the_last_of_several_ends_counts(work: Work, clock: Clock) -> None:
    with work.under_way():
        with work.under_way():
            clock.now += 10
        clock.now += 10
        assert work.left(5) == 5
    clock.now += 1
    assert work.left(5) == 4


def test_what_ends_by_an_error_has_ended(work: Work, clock: Clock) -> None:
    with pytest.raises(ValueError, match="broken"), work.under_way():
        raise ValueError("broken")
    clock.now += 6
    assert work.left(5) < 0


@pytest.mark.asyncio
async def test_worker_is_asked_to_stop_once_there_is_nothing_left() -> None:
    stopped = asyncio.Event()
    worker = Mock(spec=Worker, shutdown=AsyncMock(side_effect=stopped.set))

    async def run(_: Worker) -> None:
        await asyncio.wait_for(stopped.wait(), 10)

    await IdleExit(timedelta(milliseconds=1)).run_worker(worker, run)
    worker.shutdown.assert_awaited_once()


@pytest.mark.asyncio
async def test_worker_that_ends_by_itself_is_asked_nothing() -> None:
    worker = Mock(spec=Worker, shutdown=AsyncMock())

    async def run(_: Worker) -> None: ...

    await IdleExit(timedelta(seconds=5)).run_worker(worker, run)
    assert len(asyncio.all_tasks()) <= 2  # the watch is over, or about to be
    worker.shutdown.assert_not_awaited()
