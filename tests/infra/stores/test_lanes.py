"""Work in lanes: each agent's in its order, one at a time, on few threads."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Event

import pytest

from sagents_infra.stores.lanes import Lanes


@pytest.mark.parametrize("threads", [1, 8])
def test_the_work_of_a_lane_is_done_in_its_order_and_never_at_once(threads: int) -> None:
    done: list[tuple[str, int]] = []
    busy: set[str] = set()

    def work(lane: str, number: int) -> int:
        assert lane not in busy
        busy.add(lane)
        done.append((lane, number))
        busy.remove(lane)
        return number

    with ThreadPoolExecutor(threads) as pool:
        lanes = Lanes(pool)
        futures = [lanes.submit(lane, partial(work, lane, n)) for n in range(50) for lane in "abc"]
        assert [future.result() for future in futures] == [n for n in range(50) for _ in "abc"]
    for lane in "abc":
        assert [number for one, number in done if one == lane] == list(range(50))


def test_a_lane_that_waits_holds_no_thread_and_no_other_lane() -> None:
    release = Event()
    with ThreadPoolExecutor(2) as pool:
        lanes = Lanes(pool)
        slow = [lanes.submit("slow", release.wait) for _ in range(10)]
        assert lanes.submit("quick", lambda: "done").result(timeout=10) == "done"
        assert not any(future.done() for future in slow)
        release.set()
        assert all(future.result() for future in slow)


def test_a_failure_is_for_who_asked_and_the_lane_goes_on() -> None:
    with ThreadPoolExecutor(1) as pool:
        lanes = Lanes(pool)
        failed = lanes.submit("a", lambda: 1 // 0)
        following = lanes.submit("a", lambda: "done")
        assert isinstance(failed.exception(), ZeroDivisionError)
        assert following.result() == "done"


def test_what_was_asked_for_is_finished_when_the_threads_end_and_nothing_more_is_taken() -> None:
    release, pool = Event(), ThreadPoolExecutor(1)
    lanes = Lanes(pool)
    futures: list[Future[bool]] = [lanes.submit("a", release.wait) for _ in range(5)]
    pool.shutdown(wait=False)
    release.set()
    assert len(wait(futures, timeout=10).done) == 5
    for _ in range(2):
        with pytest.raises(RuntimeError):
            lanes.submit("b", release.wait)


def test_what_is_cancelled_while_it_waits_is_not_done() -> None:
    release, done = Event(), list[str]()
    with ThreadPoolExecutor(1) as pool:
        lanes = Lanes(pool)
        lanes.submit("a", release.wait)
        cancelled = lanes.submit("a", lambda: done.append("cancelled"))
        following = lanes.submit("a", lambda: done.append("following"))
        assert cancelled.cancel()
        release.set()
        following.result()
    assert done == ["following"]
