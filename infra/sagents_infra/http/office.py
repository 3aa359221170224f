"""The one desk of a process: opened by the first request, on an event loop of its own, and looked at after a pause.

A frozen function wakes hours later with a connection that nobody holds at the other end any more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from threading import Lock
from typing import Any, Protocol, TypeVar

from temporalio.client import Client
from temporalio.service import RPCError

from sagents.client.connecting import Outside
from sagents.client.sync import Loop
from sagents_infra.http.desk import Desk

T = TypeVar("T")
Opening = Callable[[], Awaitable[Outside]]
Reconnecting = Callable[[Any], Awaitable[Client]]
"""Temporal's client anew, from the settings."""


class Runner(Protocol):
    """An event loop that threads hand work to."""

    def run(self, work: Coroutine[Any, Any, T], /) -> T: ...
    def close(self) -> None: ...


LOOK = timedelta(seconds=2)
"""How long the server may take to show that the connection holds."""


class Office:
    """Runs what requests ask for. Threads may share it; nothing is connected before it is used.

    Without a `loop` it has one of its own, in a thread that the first request starts.
    """

    def __init__(
        self,
        opening: Opening,
        reconnecting: Reconnecting,
        *,
        patience: timedelta,
        idle: timedelta,
        loop: Runner | None = None,
    ) -> None:
        self._opening, self._reconnecting = opening, reconnecting
        self._patience, self._idle = patience, idle.total_seconds()
        self._opened, self._starting = Lock(), Lock()
        self._loop = loop
        self._desk: Desk | None = None
        self._used = 0.0

    @property
    def desk(self) -> Desk:
        """The desk; connects where that was not done, or does not hold. Raises `CannotAnswer`."""
        with self._opened:
            # By the wall clock: the other one may stand still while a function is frozen.
            if self._desk is None:
                self._desk = self.run(_of(self._opening, self._patience))
            elif abs(time.time() - self._used) > self._idle and not self.run(holds(self._desk)):
                self._desk = self.run(_again(self._desk, self._reconnecting, self._patience))
            self._used = time.time()
            return self._desk

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it."""
        with self._starting:
            if self._loop is None:
                self._loop = Loop()
        return self._loop.run(work)

    def close(self) -> None:
        """Let go of everything."""
        if self._desk is not None:
            self._desk.server.close()
        if self._loop is not None:
            self._loop.close()


async def holds(desk: Desk) -> bool:
    """Whether Temporal answers on the connection that there is."""
    try:
        async with asyncio.timeout(LOOK.total_seconds() + 1):
            return await desk.line.client.service_client.check_health(timeout=LOOK)
    except (RPCError, RuntimeError, TimeoutError):
        return False


async def _of(opening: Opening, patience: timedelta) -> Desk:
    return Desk.of(await opening(), patience)


async def _again(desk: Desk, reconnecting: Reconnecting, patience: timedelta) -> Desk:
    """The same with another connection to Temporal; the store and the rest are as they were."""
    return desk.over(await reconnecting(desk.outside.settings), patience)
