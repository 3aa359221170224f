"""Calls from user code, which runs on a loop of its own, back to the loop of the activities."""

import asyncio
import concurrent.futures
import contextvars
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def bridged(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Awaitable[T]]:
    """The same function for another loop: it hops to this one, with this activity's context, and back."""
    here = asyncio.get_running_loop()
    context = contextvars.copy_context()

    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        done: concurrent.futures.Future[T] = concurrent.futures.Future()

        def start() -> None:
            task = here.create_task(work(*args, **kwargs), context=context)
            task.add_done_callback(lambda task: _pass_on(task, done))

        here.call_soon_threadsafe(start)
        return await asyncio.wrap_future(done)

    return call


def _pass_on(task: asyncio.Task[T], done: concurrent.futures.Future[T]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    if task.cancelled():
        done.set_exception(asyncio.CancelledError())
    elif error := task.exception():
        done.set_exception(error)
    else:
        done.set_result(task.result())
