"""A channel between the processes of one machine: a small SQLite file that listeners look at 20 times a second.

Why a file and not sockets: docs/decisions/0003-local-channel.md.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection
from threading import Event as Flag
from threading import Thread

import structlog

from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents_infra.channels.listeners import Listener, Listeners
from sagents_infra.channels.wire import read, written
from sagents_infra.sqlite_file import SqliteFile, transaction

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(milliseconds=50)
KEEP = timedelta(seconds=60)
TRIM_EVERY = timedelta(seconds=10)
BUSY = timedelta(milliseconds=500)
PATIENCE = timedelta(seconds=1)
"""How long a publisher waits for a slow disk before it goes on; what it announced then may be lost."""

MIGRATIONS = (
    (
        """CREATE TABLE news (
            id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id TEXT NOT NULL, at REAL NOT NULL, events TEXT NOT NULL)""",
        "CREATE INDEX news_at ON news (at)",
    ),
)


class LocalChannel:
    """A `Channel` over a file that any process of the machine may open. Call `close` when done.

    Whatever reads the file, for itself or for a listener, runs on the file's one thread: so nothing that is
    published after a listener began can slip past it, and nothing from before can reach it.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = SqliteFile(Path(path), MIGRATIONS, BUSY)
        self._listeners = Listeners()
        self._looked_until = 0
        self._trimmed_at = 0.0
        self._wanted, self._closed = Flag(), Flag()
        self._looker: Thread | None = None

    async def publish(self, agent_id: str, events: Sequence[Event]) -> None:
        if not events:
            return
        try:
            text = written(events)
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await self._file.read(lambda db: self._append(db, agent_id, text))
        except Exception as error:  # live events are a courtesy: the agent goes on without them
            log.warning("events not published", agent_id=agent_id, events=len(events), error=str(error) or repr(error))

    async def listen(self, agent_id: str) -> AsyncGenerator[Event, None]:
        listener = Listener(agent_id)
        try:
            await self._file.read(lambda db: self._begin(db, listener))
            async for event in listener.hear():
                yield event
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """Stop looking. What waits for the disk is still written."""
        self._closed.set()
        self._wanted.set()
        if self._looker is not None:
            self._looker.join()
        self._file.close()

    def _append(self, db: Connection, agent_id: str, text: str) -> None:
        now = time.time()
        with transaction(db):
            db.execute("INSERT INTO news (agent_id, at, events) VALUES (?, ?, ?)", (agent_id, now, text))
            if not 0 <= now - self._trimmed_at < TRIM_EVERY.total_seconds():
                db.execute("DELETE FROM news WHERE at < ?", (now - KEEP.total_seconds(),))
                self._trimmed_at = now
        if self._listeners:
            self._look(db)  # listeners of this process need not wait for the next look

    def _begin(self, db: Connection, listener: Listener) -> None:
        if self._listeners:
            self._look(db)
        else:
            newest = db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'news'").fetchone()
            self._looked_until = newest[0] or 0
        self._listeners.add(listener)
        if self._looker is None:
            looker = Thread(target=self._keep_looking, name="local channel", daemon=True)
            looker.start()
            self._looker = looker  # who closes meanwhile joins only what has begun; it sees `_closed` by itself
        self._wanted.set()

    def _look(self, db: Connection) -> None:
        """Tell every listener what is new for it."""
        news = "SELECT id, agent_id, events FROM news WHERE id > ? ORDER BY id"
        for number, agent_id, text in db.execute(news, (self._looked_until,)).fetchall():
            self._looked_until = number
            if listeners := self._listeners.of(agent_id):
                events = read(agent_id, text)
                for listener in listeners:
                    listener.tell(events)

    def _keep_looking(self) -> None:
        while self._wanted.wait() and not self._closed.wait(LOOK_EVERY.total_seconds()):
            try:
                self._file.submit(self._look).result()
            except StoreUnavailable as error:
                log.warning("live events cannot be read", error=str(error))
            except RuntimeError:  # the interpreter ends and takes no more work
                return
            if not self._listeners:
                self._wanted.clear()
                if self._listeners or self._closed.is_set():  # just now
                    self._wanted.set()
