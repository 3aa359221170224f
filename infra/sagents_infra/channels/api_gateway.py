"""A channel to browsers: whoever holds a WebSocket of API Gateway and watches an agent gets its events. Imports boto3.

    browser   ──subscribe──reads the log after 7──────8 9──δ──δ──10
    worker    ──append 8──who watches?──                   ──δ──δ──append 10──who watches?──post

Who watches is read anew for each event that is stored, after it is; so whoever subscribes first and then reads the log
has it by one of both ways. For tokens alone, what was read in the last second is enough.

Nobody listens here: processes that watch read the log.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

from sagents.connections import Connection, Connections
from sagents.events import Event
from sagents_infra.channels.frames import Frame, frames
from sagents_infra.presence.tracked import Clock, utc_now
from sagents_infra.stores.lanes import Lanes

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Posts at a time; those to one connection go one after the other."""
PATIENCE = timedelta(seconds=1)
"""How long a publisher waits for all posts; what is not posted by then is left out."""
ANSWERING = timedelta(seconds=5)
"""How long is tried to answer one connection that has asked."""
FRESH = timedelta(seconds=1)
"""How long it is believed who watches, for tokens."""
REMEMBERED = 1_000
"""Agents whose watchers are remembered."""
GONE, THROTTLED = 410, 429


class End(NamedTuple):
    """How posting to one connection ended. `is_over` where nothing more may be sent to it."""

    problem: str = ""
    is_over: bool = False
    is_gone: bool = False


SENT, OVER = End(), End(is_over=True)


class ApiGatewayChannel:
    """A `Channel` that posts to `@connections`, to those that `connections` has. Call `close` when done."""

    def __init__(
        self, client: Any, connections: Connections, patience: timedelta = PATIENCE, clock: Clock = utc_now
    ) -> None:
        self._client, self._connections = client, connections
        self._patience, self._clock = patience, clock
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="api gateway")
        self._lanes = Lanes(self._threads)
        self._known = dict[str, tuple[float, tuple[Connection, ...]]]()

    async def publish(self, agent_id: str, events: Sequence[Event]) -> None:
        if not events:
            return
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                problems = await self._push(agent_id, events)
        except Exception as error:  # live events are a courtesy: the agent goes on without them
            problems = [str(error) or repr(error)]
        if problems:
            log.warning("events not pushed", agent_id=agent_id, connections=len(problems), error=problems[0])

    async def listen(self, agent_id: str) -> AsyncGenerator[Event, None]:  # noqa: ARG002 # the port's
        """Nothing, until it is closed."""
        nothing: Event = await asyncio.get_running_loop().create_future()
        yield nothing

    async def post(self, connection: Connection, messages: Sequence[Frame]) -> bool:
        """Send messages to one connection, in their order; whether all went. One that is gone is forgotten."""
        until = time.monotonic() + ANSWERING.total_seconds()
        end = await asyncio.wrap_future(
            self._lanes.submit(connection.id, partial(self._post, connection, messages, until))
        )
        if end.problem:
            log.warning("answer not sent", connection_id=connection.id, error=end.problem)
        if end.is_gone:
            await self._connections.close(connection.id)
        return end == SENT

    async def hang_up(self, connection_id: str) -> None:
        """Close a connection; one that is gone is."""

        def hang_up() -> None:
            with suppress(BotoCoreError, ClientError):
                self._client.delete_connection(ConnectionId=connection_id)

        await asyncio.wrap_future(self._threads.submit(hang_up))

    def close(self) -> None:
        """Finish the posts that are under way."""
        self._threads.shutdown(cancel_futures=True)

    async def _push(self, agent_id: str, events: Sequence[Event]) -> list[str]:
        """Post to all who watch; what went wrong, by connection."""
        until = time.monotonic() + self._patience.total_seconds()
        watching = await self._watching(agent_id, afresh=any(event.id is not None for event in events))
        messages = frames(events) if watching else ()
        posts = [self._lanes.submit(one.id, partial(self._post, one, messages, until)) for one in watching]
        ends = await asyncio.gather(*map(asyncio.wrap_future, posts))
        for gone in [one for one, end in zip(watching, ends, strict=True) if end.is_gone]:
            self._known.pop(agent_id, None)
            await self._connections.close(gone.id)
        return [end.problem for end in ends if end.problem]

    async def _watching(self, agent_id: str, afresh: bool) -> tuple[Connection, ...]:
        now, known = time.monotonic(), self._known.get(agent_id)
        if known is not None and not afresh and now - known[0] < FRESH.total_seconds():
            return known[1]
        watching = await self._connections.watching(agent_id)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[agent_id] = now, watching
        return watching

    def _post(self, connection: Connection, messages: Sequence[Frame], until: float) -> End:
        """Send messages one after the other; nothing follows one that did not go."""
        ends = (self._posted(connection, message, until) for message in messages)
        return next((end for end in ends if end != SENT), SENT)

    def _posted(self, connection: Connection, message: Frame, until: float) -> End:
        problem = "there was no time left"
        while time.monotonic() < until:
            if not connection.holds(self._clock()):
                return OVER
            try:
                self._client.post_to_connection(ConnectionId=connection.id, Data=message.data)
                return SENT
            except (BotoCoreError, ClientError) as error:
                if _status(error) == GONE:
                    return OVER._replace(is_gone=True)
                problem = str(error)
                if not _may_pass(error, message):
                    break
            time.sleep(min(random.uniform(0.02, 0.1), max(until - time.monotonic(), 0)))
        return End(problem)


def api_gateway_client(endpoint: str, region: str | None = None) -> Any:
    """A client of short time-outs that tries once: tokens are old news soon."""
    config = Config(
        max_pool_connections=AT_ONCE, connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1}
    )
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint, region_name=region, config=config)


def _status(error: Exception) -> int:
    found = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
    return int(found.get("HTTPStatusCode", 0))


def _may_pass(error: Exception, message: Frame) -> bool:
    """Whether to try again: what never arrived, and what a browser drops where it arrived after all."""
    if _status(error) == THROTTLED or isinstance(error, ConnectTimeoutError | EndpointConnectionError):
        return True
    return message.is_stored and (_status(error) >= 500 or isinstance(error, HTTPClientError))
