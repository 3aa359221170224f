"""SyncAgentServer: the same agents for programs without an event loop, as in Flask, Django or AWS Lambda.

    caller's thread   ──add_message──┐ waits                ┌── Accepted
    the loop's thread                └──AgentServer.add_message──┘

Each method is made of its namesake in `AgentServer` and has its signature and its contract.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sagents.client.server import AgentServer

P = ParamSpec("P")
T = TypeVar("T")
Asynchronous = Callable[Concatenate[AgentServer, P], Coroutine[Any, Any, T]]
Synchronous = Callable[Concatenate["SyncAgentServer", P], T]
END: Any = object()


def waits(method: Asynchronous[P, T]) -> Synchronous[P, T]:
    """The method that waits for the answer."""

    @wraps(method)
    def call(self: "SyncAgentServer", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run(method(self._server, *args, **kwargs))

    return call


def streams(method: Callable[Concatenate[AgentServer, P], AsyncGenerator[T, None]]) -> Synchronous[P, Iterator[T]]:
    """The method that yields what comes; closing the iterator ends it."""

    @wraps(method)
    def iterate(self: "SyncAgentServer", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        stream = method(self._server, *args, **kwargs)
        try:
            while (item := self._loop.run(_next(stream))) is not END:
                yield item
        finally:
            self._loop.run(stream.aclose())

    return iterate


class SyncAgentServer:
    """Agents that run on Temporal, by methods that wait. Make one by `SyncAgentServer.connect()` and keep it.

    Threads may share it. Processes that fork make one each: its event loop lives in a thread, and threads do not fork.
    """

    def __init__(self, opened: Callable[[], Awaitable[AgentServer]] = AgentServer.connect) -> None:
        self._loop = Loop()
        try:
            self._server = self._loop.run(_opened(opened))
        except BaseException:
            self._loop.close()
            raise

    @classmethod
    def connect(cls, settings: Any = None) -> Self:
        """Connect as `AgentServer.connect` does."""
        return cls(lambda: AgentServer.connect(settings))

    def close(self) -> None:
        """Let go of everything; nothing can be asked any more."""
        self._server.close()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    start = waits(AgentServer.start)
    stop = waits(AgentServer.stop)
    delete = waits(AgentServer.delete)
    exists = waits(AgentServer.exists)

    add_message = waits(AgentServer.add_message)
    execute = waits(AgentServer.execute)
    decide = waits(AgentServer.decide)
    decide_all = waits(AgentServer.decide_all)
    resume = waits(AgentServer.resume)
    dismiss_interrupt = waits(AgentServer.dismiss_interrupt)
    cancel = waits(AgentServer.cancel)
    touch = waits(AgentServer.touch)
    reset = waits(AgentServer.reset)
    restore_state = waits(AgentServer.restore_state)
    configure = waits(AgentServer.configure)
    notify_middleware = waits(AgentServer.notify_middleware)
    join = waits(AgentServer.join)
    leave = waits(AgentServer.leave)
    topic = waits(AgentServer.topic)

    get_status = waits(AgentServer.get_status)
    agent_info = waits(AgentServer.agent_info)
    inactivity = waits(AgentServer.inactivity)
    whereis = waits(AgentServer.whereis)
    get_state = waits(AgentServer.get_state)
    export_state = waits(AgentServer.export_state)
    messages = waits(AgentServer.messages)
    rows = waits(AgentServer.rows)
    todos = waits(AgentServer.todos)
    interrupts = waits(AgentServer.interrupts)
    watch = streams(AgentServer.watch)
    subscribe = watch
    last_event_id = waits(AgentServer.last_event_id)

    inbox = waits(AgentServer.inbox)
    claim = waits(AgentServer.claim)
    release = waits(AgentServer.release)
    decision_log = waits(AgentServer.decision_log)
    verify_log = waits(AgentServer.verify_log)
    logged_agents = waits(AgentServer.logged_agents)
    rules = waits(AgentServer.rules)
    revoke_rule = waits(AgentServer.revoke_rule)

    list_running_agents = waits(AgentServer.list_running_agents)
    agent_count = waits(AgentServer.agent_count)
    list_agents_matching = waits(AgentServer.list_agents_matching)


class Loop:
    """An event loop in a thread of its own, which ends with the program."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sagents", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it. Who is interrupted while waiting ends it, too."""
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("This SyncAgentServer is closed; make another one.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _opened(opened: Callable[[], Awaitable[AgentServer]]) -> AgentServer:
    return await opened()


async def _next(stream: AsyncGenerator[T, None]) -> T:
    return await anext(stream, END)
