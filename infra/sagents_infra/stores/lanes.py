"""Work for many agents on a few threads: each agent's in its order, one at a time.

So the writers of one process do not race each other for an agent's row, and none of them holds a thread while it waits.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
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
                return future
            self._waiting[lane] = deque()
        self._start(lane, task)
        return future

    def _start(self, lane: str, task: Task) -> None:
        self._threads.submit(self._run, lane, task)

    def _run(self, lane: str, task: Task) -> None:
        task()
        with self._lock:
            if not self._waiting[lane]:
                del self._waiting[lane]
                return
            following = self._waiting[lane].popleft()
        self._start(lane, following)  # behind the others that wait for a thread


def _task(future: "Future[Any]", work: Callable[[], Any]) -> Task:
    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # whoever waits for the future is told
            future.set_exception(error)

    return run
