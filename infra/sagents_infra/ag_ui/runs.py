"""A run as a client of AG-UI asks for it: hand over what the user said or decided, then tell all until the agent rests.

    client   RunAgentInput ─▶ messages, resume ─▶ agent
    client   ◀─ RUN_STARTED … RUN_FINISHED ◀─ events ◀─ agent

A client that was away goes on after the last event it had (`after`), or asks without anything new: what it missed is
told at once, as a snapshot.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ag_ui.core import BaseEvent, RunAgentInput, RunErrorEvent

from sagents.client import AgentServer, agent_id_for
from sagents.errors import SagentsError
from sagents.events import Event
from sagents.principal import Principal
from sagents.status import Status
from sagents_infra.ag_ui.closing import Rest
from sagents_infra.ag_ui.following import Following
from sagents_infra.ag_ui.handing import Handing
from sagents_infra.ag_ui.projection import Projection
from sagents_infra.ag_ui.requests import said

LOOK = 5.0
"""Seconds without news after which the agent is asked how it is; each time the next ones are twice as many."""

SELDOM = 60.0
SOON = 0.05
"""The same for an agent that has said that it rests: it says so a moment before it does."""

HOLDING = frozenset({Status.INTERRUPTED, Status.PAUSED, Status.ERROR})
"""Statuses in which messages may wait although nothing is under way."""


class Told(NamedTuple):
    """An event of AG-UI; `id` is the one to go on after, where it completes one of ours."""

    event: BaseEvent
    id: int | None = None


async def run(
    server: AgentServer,
    request: RunAgentInput,
    *,
    agent: str | None = None,
    agent_id: str | None = None,
    scope: Mapping[str, Any] | None = None,
    principal: Principal | None = None,
    after: int | None = None,
) -> AsyncGenerator[BaseEvent, None]:
    """What the agent of a thread does from now until it rests. What goes wrong is told as `RUN_ERROR`.

    The thread is the conversation, unless `agent_id` names who is meant; with `agent` one registered under this name
    is started where none is there. `principal` is who speaks and decides, as the door has verified it.
    """
    which = {"agent": agent, "agent_id": agent_id, "scope": scope, "principal": principal, "after": after}
    async with aclosing(tell(server, request, **which)) as told:  # type: ignore[arg-type] # the parameters are the same
        async for one in told:
            yield one.event


async def tell(
    server: AgentServer,
    request: RunAgentInput,
    *,
    agent: str | None = None,
    agent_id: str | None = None,
    scope: Mapping[str, Any] | None = None,
    principal: Principal | None = None,
    after: int | None = None,
) -> AsyncGenerator[Told, None]:
    """The same, with ids to go on after."""
    try:
        agent_id = agent_id or agent_id_for(request.thread_id, scope)
        if agent is not None:
            await server.start(agent, agent_id=agent_id, conversation_id=request.thread_id, scope=scope)
        run = Run(server, agent_id, request, principal)
        async with aclosing(run.told(after)) as told:
            async for one in told:
                yield one
    except SagentsError as error:
        yield Told(RunErrorEvent(message=str(error), code=type(error).__name__))


class Run:
    """One request, and what was told of it."""

    def __init__(self, server: AgentServer, agent_id: str, request: RunAgentInput, principal: Principal | None) -> None:
        self._server, self._agent_id, self._request = server, agent_id, request
        self._handing = Handing(server, agent_id, request, principal)
        state = request.state if isinstance(request.state, Mapping) else {}
        self._projection = Projection(request.thread_id, messages=request.messages, state=state)

    async def told(self, after: int | None) -> AsyncGenerator[Told, None]:
        """All of it, to the last event of the run."""
        newest = await self._newest()
        fresh = bool(said(self._request) or self._request.resume)
        first = min(after, newest) if after is not None else newest if fresh else 0
        async with Following(self._server.watch(self._agent_id, after=first)) as events:
            events.seen = first
            await self._catch_up(events, newest)
            todos = await self._server.todos(self._agent_id)
            self._projection.state.tell("todos", [todo.to_map() for todo in todos])
            echo = {"parent_run_id": self._request.parent_run_id}
            for one in self._projection.begin(self._request.run_id, _now(), restate=first < newest, **echo):
                yield Told(one)
            async for one in self._handing.over():
                yield Told(one)
            async with aclosing(self._until_rest(events, newest)) as rest:
                async for told in rest:
                    yield told

    async def _catch_up(self, events: Following, newest: int) -> None:
        """Know what was told before, without telling it."""
        while events.seen < newest and (event := await events.hear()) is not None:
            for _ in self._projection.tell(event):
                pass

    async def _until_rest(self, events: Following, newest: int) -> AsyncGenerator[Told, None]:
        """What comes, until the agent has said that it rests and still does, or seems to have nothing to do."""
        said_so: Event | None = None
        silence = LOOK
        rest = await self._rests() if await self._newest() == newest else None
        while rest is None:
            event = await events.hear(silence)
            if event is None:
                over = said_so is not None and events.seen >= await self._newest()
                rest = await self._rests(said_so, held=silence > LOOK) if over or silence > LOOK else None
                silence = min(silence * 2, SELDOM)
                continue
            if event.type == "status_changed" and not event.path:
                said_so = event if Rest.told(event.data) else None
            if event is not said_so:
                for told in self._told(event):
                    yield told
            if said_so is not None and event.id and event.id >= await self._newest():
                rest = await self._rests(said_so)
            silence = LOOK if said_so is None else SOON
        for one in self._projection.finish(rest, _now()):
            yield Told(one, events.seen)

    def _told(self, event: Event) -> list[Told]:
        several = [*self._projection.tell(event)]
        return [Told(one, event.id if one is several[-1] else None) for one in several]

    async def _newest(self) -> int:
        return await self._server.last_event_id(self._agent_id)

    async def _rests(self, told: Event | None = None, *, held: bool = False) -> Rest | None:
        """How the agent rests, with all that waits for people; None where it does not.

        Messages that wait are about to be heard, unless they are `held`: after a silence nothing is about to be.
        """
        info = await self._server.agent_info(self._agent_id)
        if info is not None:
            about_to = info.queued and not held and info.status not in HOLDING
            if info.waking or info.status is Status.RUNNING or about_to:
                return None
        waiting = await self._server.interrupts(self._agent_id)
        self._projection.waiting.know(waiting)
        if told is not None and (rest := Rest.told(told.data)):
            return rest
        status = info.status if info else Status.INTERRUPTED if waiting else Status.IDLE
        return Rest(status, error=info.error if info else None)


def _now() -> datetime:
    return datetime.now(UTC)
