"""Where user code runs: on an event loop of its own, so that a blocking hook cannot silence heartbeats."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

T = TypeVar("T")

BEAT = 1.0
"""Seconds between heartbeats: how soon a `cancel` is noticed."""

SYNC_TOOLS = 64
"""Sync tools that one process runs at once, each in a thread."""

EXITS = (SystemExit, KeyboardInterrupt)

PATIENCE = 10.0
"""Seconds that cancelled user code has to tidy up; then it is left behind."""


class Userland:
    """A thread with an event loop for factories, hooks, tools and model calls. One per worker process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(SYNC_TOOLS, thread_name_prefix="sagents-tool"))
        self._thread = threading.Thread(target=self._live, name="sagents-userland", daemon=True)
        self._thread.start()

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there and wait for it here, heartbeating.

        Cancelled by `cancel`, it passes the cancellation on and returns what the coroutine still makes of it.
        On a worker's shutdown it fails retryably at once: another worker goes on.
        """
        here = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = here.create_future()
        started: list[asyncio.Task[T]] = []
        self._loop.call_soon_threadsafe(lambda: started.append(self._start(make, here, outcome)))
        try:
            await _beat_until(outcome)
        except asyncio.CancelledError:
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in started])
            if not _was_asked_to_cancel():
                raise ApplicationError("The worker is shutting down; another one goes on.", type="Shutdown") from None
            await asyncio.wait({outcome}, timeout=PATIENCE)
            if not outcome.done():
                raise
        return outcome.result()

    def _start(
        self, make: Callable[[], Coroutine[Any, Any, T]], here: asyncio.AbstractEventLoop, outcome: asyncio.Future[T]
    ) -> asyncio.Task[T]:
        task = self._loop.create_task(make())
        task.add_done_callback(lambda done: _tell(here, outcome, done))
        return task

    def close(self) -> None:
        """Cancel what still runs there and end the thread; code that blocks it is left behind."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=BEAT)

    def _live(self) -> None:
        while not self._ended():
            continue  # its task has failed; what else runs there goes on
        for task in (left := asyncio.all_tasks(self._loop)):
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left, timeout=BEAT))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _ended(self) -> bool:
        """Run what there is until `close`; False where user code has called `sys.exit()`, which ends event loops."""
        try:
            self._loop.run_forever()
        except EXITS:
            return False
        return True


def _tell(here: asyncio.AbstractEventLoop, outcome: asyncio.Future[T], done: asyncio.Task[T]) -> None:
    if here.is_closed():
        return
    here.call_soon_threadsafe(_settle, outcome, done)


def _settle(outcome: asyncio.Future[T], done: asyncio.Task[T]) -> None:
    if outcome.done():
        return
    if done.cancelled():
        outcome.set_exception(asyncio.CancelledError())
    elif isinstance(error := done.exception(), EXITS):
        text = f"User code tried to end the worker: {error!r}"
        outcome.set_exception(ApplicationError(text, type=type(error).__name__, non_retryable=True))
    elif error is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(done.result())


async def _beat_until(outcome: asyncio.Future[Any]) -> None:
    while not outcome.done():
        await asyncio.wait({outcome}, timeout=BEAT)
        if activity.in_activity():
            activity.heartbeat()


def _was_asked_to_cancel() -> bool:
    details = activity.cancellation_details() if activity.in_activity() else None
    return details is None or details.cancel_requested
