"""Work for many agents on a few threads: each agent's in its order, one at a time.

So the writers of one process do not race each other for an agent's row, and none of them holds a thread while it waits.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
Task = Callable[[], None]


class Lanes:
    """A lane per agent over `threads`; a lane that has nothing to do is forgotten."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._lock = Lock()
        self._waiting: dict[str, deque[Task]] = {}

    def submit(self, lane: str, work: Callable[[], T]) -> Future[T]:
        future = Future[T]()
        task = _task(future, work)
        with self._lock:
            if lane in self._waiting:
                self._waiting[lane].append(task)
            else:
                self._threads.submit(self._run, lane, task)
                self._waiting[lane] = deque()
        return future

    def _run(self, lane: str, task: Task) -> None:
        following: Task | None = task
        while following is not None:
            following()
            following = self._next(lane)
            if following is not None:
                with suppress(RuntimeError):  # no new work is taken any more: this thread finishes the lane
                    self._threads.submit(self._run, lane, following)  # behind the others that wait for a thread
                    return

    def _next(self, lane: str) -> Task | None:
        with self._lock:
            if self._waiting[lane]:
                return self._waiting[lane].popleft()
            del self._waiting[lane]
            return None


def _task(future: "Future[Any]", work: Callable[[], Any]) -> Task:
    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # whoever waits for the future is told
            future.set_exception(error)

    return run
