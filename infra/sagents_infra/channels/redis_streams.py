"""A channel between machines: a Redis stream per agent. Needs `pip install 'sagents[redis]'`.

    publisher A  ──XADD──                 ──XADD──x away, goes on
    stream            1  2  3  4  5 …          (the newest ones, gone a minute after the last)
    process B    ──XREAD──1 2──XREAD──3 4 5──x reconnects──XREAD after 5──

A process writes by one connection and, while somebody listens, reads by another: one blocking read for all its
listeners, which a stream of its own (the bell) ends when one joins. What is published after a listener began reaches it
as long as Redis keeps it, and nothing from before does.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from sagents.errors import InvalidInput, StoreUnavailable
from sagents.events import Event
from sagents_infra.channels.listeners import Listener, Listeners
from sagents_infra.channels.wire import read, written

log = structlog.get_logger(__name__)

PREFIX, BELL = "sagents:live:", "sagents:bell:"
MOST_KEPT = 1_000
"""About how many batches of an agent wait in Redis for processes that are slow."""
KEEP = timedelta(seconds=60)
PATIENCE = timedelta(seconds=1)
"""How long a publisher waits for Redis before it goes on; what it announced then may be lost."""
BLOCK = timedelta(seconds=5)
"""How long a read waits for news; a connection that is silent for much longer is broken."""
AGAIN = timedelta(milliseconds=250)
"""When to try anew while Redis cannot be reached."""


class RedisChannel:
    """A `Channel` over Redis, from version 5 on; no cluster. Call `close` when done."""

    def __init__(self, url: str) -> None:
        self._writer, self._reader = _client(url, PATIENCE), _client(url, BLOCK + PATIENCE)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="redis channel")
        self._listeners, self._lock = Listeners(), Lock()
        self._since = dict[Listener, tuple[int, int]]()
        self._places = dict[str, str]()
        self._bell, self._rung = f"{BELL}{uuid4().hex}", "0-0"
        self._wanted, self._closed = Flag(), Flag()
        self._looker: Thread | None = None

    async def publish(self, agent_id: str, events: Sequence[Event]) -> None:
        if not events:
            return
        try:
            text = written(events)
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await asyncio.wrap_future(self._thread.submit(self._append, agent_id, text))
        except Exception as error:  # live events are a courtesy: the agent goes on without them
            log.warning("events not published", agent_id=agent_id, events=len(events), error=str(error) or repr(error))

    async def listen(self, agent_id: str) -> AsyncGenerator[Event, None]:
        listener = Listener(agent_id)
        try:
            await asyncio.wrap_future(self._thread.submit(self._begin, listener))
            async for event in listener.hear():
                yield event
        finally:
            with suppress(RuntimeError):  # closed meanwhile: nobody is told anything any more
                self._thread.submit(self._end, listener)  # behind its beginning, which may be under way

    def close(self) -> None:
        """Stop reading. What waits to be written is still written."""
        self._closed.set()
        self._wanted.set()
        with suppress(RuntimeError):
            self._thread.submit(self._ring)
        self._thread.shutdown()
        if self._looker is not None:
            self._looker.join()
        self._writer.close()
        self._reader.close()

    def _append(self, agent_id: str, text: str) -> None:
        with self._writer.pipeline(transaction=False) as pipeline:
            pipeline.xadd(_stream(agent_id), {"events": text}, maxlen=MOST_KEPT, approximate=True)
            pipeline.pexpire(_stream(agent_id), KEEP)
            pipeline.execute()

    def _begin(self, listener: Listener) -> None:
        """Nothing is given out meanwhile: what comes after the newest one is this listener's, too."""
        try:
            with self._lock:
                newest: Any = self._writer.xrevrange(_stream(listener.agent_id), count=1)
                self._since[listener] = _place(newest[0][0]) if newest else (0, 0)
                self._listeners.add(listener)
            self._wanted.set()
            self._ring()
        except RedisError as error:
            raise StoreUnavailable(f"Redis is out of reach: {error}. SAGENTS_CHANNEL says where it is.") from error
        if self._looker is None:
            self._looker = Thread(target=self._keep_looking, name="redis channel", daemon=True)
            self._looker.start()

    def _end(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.remove(listener)
            self._since.pop(listener, None)

    def _ring(self) -> None:
        """End the read that is under way, so that the next one has all listeners."""
        if self._looker is not None:
            with self._writer.pipeline(transaction=False) as pipeline:
                pipeline.xadd(self._bell, {"": ""}, maxlen=1, approximate=False)
                pipeline.pexpire(self._bell, KEEP)
                pipeline.execute()

    def _keep_looking(self) -> None:
        in_trouble = False
        while self._wanted.wait() and not self._closed.is_set():
            try:
                self._look()
                in_trouble = False
            except Exception as error:  # whatever it is, who listens goes on waiting, and so does this
                if not in_trouble:
                    log.warning("live events cannot be read", error=str(error) or repr(error))
                in_trouble = True
                self._closed.wait(AGAIN.total_seconds())
            if not self._listeners:
                self._wanted.clear()
                if self._listeners or self._closed.is_set():  # just now
                    self._wanted.set()

    def _look(self) -> None:
        """Wait for news and tell every listener what is new for it."""
        with self._lock:
            self._places = {agent_id: self._place_of(agent_id) for agent_id in self._listeners.agents()}
            streams: dict[Any, Any] = {_stream(agent_id): place for agent_id, place in self._places.items()}
        found: Any = self._reader.xread(streams | {self._bell: self._rung}, block=round(BLOCK.total_seconds() * 1000))
        for stream, entries in found or ():
            if stream == self._bell:
                self._rung = entries[-1][0]
            else:
                self._give_out(stream.removeprefix(PREFIX), entries)

    def _place_of(self, agent_id: str) -> str:
        """After which entry to read: where this process is, else where its first listener began."""
        known = self._places.get(agent_id)
        if known is not None:
            return known
        first = min(self._since[listener] for listener in self._listeners.of(agent_id))
        return f"{first[0]}-{first[1]}"

    def _give_out(self, agent_id: str, entries: Sequence[tuple[str, dict[str, str]]]) -> None:
        with self._lock:
            listeners = [(listener, self._since[listener]) for listener in self._listeners.of(agent_id)]
            for number, fields in entries:
                events = read(agent_id, fields.get("events", "[]"))
                for listener, since in listeners:
                    if since < _place(number):
                        listener.tell(events)
            self._places[agent_id] = entries[-1][0]


def _client(url: str, patience: timedelta) -> Any:
    """One connection that gives up in time, and is made anew by the next call."""
    seconds = patience.total_seconds()
    try:
        return Redis.from_url(
            url,
            max_connections=1,
            socket_connect_timeout=PATIENCE.total_seconds(),
            socket_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )
    except ValueError as error:
        raise InvalidInput(
            f"SAGENTS_CHANNEL is no address of Redis ({error}); it looks like redis://HOST:6379/0."
        ) from error


def _stream(agent_id: str) -> str:
    return f"{PREFIX}{agent_id}"


def _place(number: str) -> tuple[int, int]:
    """The number of an entry as one that can be compared."""
    milliseconds, _, sequence = number.partition("-")
    return int(milliseconds), int(sequence)
