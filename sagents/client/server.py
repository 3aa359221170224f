"""AgentServer: how a program talks to agents. One method per command or question; the agent's id comes first."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal, Self
from uuid import uuid4

from temporalio.client import Client

from sagents import contract
from sagents.agent import Agent
from sagents.client import listing, payloads
from sagents.client.connecting import connect_outside
from sagents.client.line import Line
from sagents.client.reading import read_interrupts, read_state, read_todos, stored_name
from sagents.client.session import Handle, Session, agent_id_for
from sagents.commands import Answering
from sagents.contract import Accepted, AgentInfo, StartAgent
from sagents.decisions import Decision
from sagents.errors import AgentNotFound, AgentNotRegistered
from sagents.events import Event
from sagents.interrupts import Interrupt
from sagents.lifecycle import Lifecycle
from sagents.messages import ContentPart, Message
from sagents.ports import Channel, Store
from sagents.state import State
from sagents.status import Status
from sagents.todo import Todo

Content = str | Message | Sequence[ContentPart]
Decisions = Decision | Answering | Sequence[Decision | Answering]


class AgentServer:
    """Agents that run on Temporal. Make one by `await AgentServer.connect()` and keep it.

    Absent agents raise `AgentNotFound`; those that sleep are woken by `add_message` and `resume`, and can be read.
    `CannotAnswer` means that Temporal, a worker or the store is out of reach, and says nothing about the agent.
    """

    def __init__(
        self,
        client: Client,
        *,
        store: Store,
        channel: Channel,
        task_queue: str = contract.TASK_QUEUE,
        patience: timedelta = timedelta(seconds=20),
    ) -> None:
        self._line = Line(client, task_queue, patience)
        self._store, self._channel = store, channel

    @classmethod
    async def connect(cls, settings: Any = None) -> Self:
        """Connect as `SAGENTS_*`, `TEMPORAL_*` and `temporal.toml` say. Raises `CannotAnswer` where nothing answers."""
        outside = await connect_outside(settings)
        return cls(outside.client, store=outside.store, channel=outside.channel, task_queue=outside.settings.task_queue)

    def close(self) -> None:
        """Let go of the store and the channel, where they hold anything."""
        for part in (self._channel, self._store):
            if callable(close := getattr(part, "close", None)):
                close()

    # ── starting and stopping ─────────────────────────────────────────────────────────────────────────────────

    async def start(
        self,
        name: str,
        *,
        agent_id: str | None = None,
        conversation_id: str | None = None,
        messages: Iterable[Message | str] = (),
        lifecycle: Lifecycle | None = None,
        scope: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Session:
        """Start the agent registered as `name`; where one runs under this id, that one is meant (L-12).

        Without an `agent_id` it derives from the conversation, else it is a new one. `messages` are its past:
        they start no run. An agent that sleeps comes back with its own state, not with `messages`.
        """
        if isinstance(name, Agent):
            raise AgentNotRegistered(name.name or "...")
        if agent_id is None and conversation_id is not None:
            agent_id = agent_id_for(conversation_id, scope)
        agent_id = contract.check_agent_id(agent_id or f"{name or 'agent'}-{uuid4().hex[:12]}")
        start = payloads.start(name, conversation_id, messages, lifecycle, scope, options)
        started = await self._line.start(agent_id, start)
        handle = self._line.handle(agent_id)
        return Session(agent_id=agent_id, handle=handle, started=started, conversation_id=conversation_id)

    async def stop(self, agent_id: str, reason: str | None = None) -> Literal["stopped", "not_running"]:
        """Let the agent save and leave, and wait until it has."""
        try:
            await self._tell(agent_id, contract.STOP, {"reason": reason} if reason else None)
            await self._line.ended(agent_id)
        except AgentNotFound:
            return "not_running"
        return "stopped"

    # ── telling it something ──────────────────────────────────────────────────────────────────────────────────

    async def add_message(
        self, agent_id: str, message: Content, *, id: str | None = None, display: str | None = None
    ) -> Accepted:
        """Give the agent a user's message; it starts a run, or waits for the end of the one under way (B-64).

        The answer has the message's id. Send it again with this `id` whenever in doubt: it counts once.
        """
        payload = payloads.message(message, id, display)
        return await self._tell_or_wake(agent_id, contract.ADD_MESSAGE, payload, payload["id"])

    async def execute(
        self,
        agent_id: str,
        *,
        until_tool: Sequence[str] = (),
        until_tool_success: Sequence[str] = (),
        max_runs: int | None = None,
    ) -> Accepted:
        """Run on what is in the state; returns at once. Raises `CannotExecute` unless it is idle (B-61)."""
        payload = payloads.execute(until_tool, until_tool_success, max_runs)
        return await self._tell(agent_id, contract.EXECUTE, payload, payload["id"])

    async def resume(self, agent_id: str, decisions: Decisions = ()) -> Accepted:
        """Answer what waits: decisions in the order of the open interrupts, or `Answering`s that name theirs.

        Without any, a paused run goes on. Raises `CannotResume`, and then nothing has changed (B-62).
        """
        return await self._tell_or_wake(agent_id, contract.RESUME, payloads.decisions(decisions), _new_id("res"))

    async def cancel(self, agent_id: str, reason: str | None = None) -> Accepted:
        """Cancel the run that is under way; the agent lives on. Raises `CannotCancel` where none is (L-43)."""
        return await self._tell(agent_id, contract.CANCEL, {"reason": reason} if reason else None)

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────

    async def get_status(self, agent_id: str) -> Status:
        """What the agent is doing; `not_running` for one that sleeps or never was (L-61)."""
        try:
            return await self._line.ask(agent_id, contract.STATUS, Status)
        except AgentNotFound:
            return Status.NOT_RUNNING

    async def agent_info(self, agent_id: str) -> AgentInfo | None:
        """The running agent's figures (L-62); None where it does not run."""
        with suppress(AgentNotFound):
            return await self._line.ask(agent_id, contract.INFO, AgentInfo)
        return None

    async def whereis(self, agent_id: str) -> Handle | None:
        """Temporal's handle of the running agent (L-66)."""
        return self._line.handle(agent_id) if await self._line.runs(agent_id) else None

    async def get_state(self, agent_id: str) -> State:
        """The whole state, verified: what is saved joined with what is not yet. Of a sleeping agent, what it saved."""
        return await read_state(self._line, self._store, contract.check_agent_id(agent_id))

    async def messages(self, agent_id: str) -> tuple[Message, ...]:
        """The whole conversation as the agent knows it."""
        return (await self.get_state(agent_id)).messages

    async def todos(self, agent_id: str) -> tuple[Todo, ...]:
        """Its list of tasks; a sleeping agent's too."""
        return await read_todos(self._line, self._store, contract.check_agent_id(agent_id))

    async def interrupts(self, agent_id: str) -> tuple[Interrupt, ...]:
        """What waits for a person, in the order in which `resume` takes decisions; a sleeping agent's too."""
        return await read_interrupts(self._line, self._store, contract.check_agent_id(agent_id))

    async def watch(self, agent_id: str) -> AsyncGenerator[Event, None]:
        """Events from now on, also of an agent that is yet to start; end it by leaving the loop, or by `aclose`."""
        heard = self._channel.listen(contract.check_agent_id(agent_id))
        try:
            async for event in heard:
                yield event
        finally:
            if isinstance(heard, AsyncGenerator):
                await heard.aclose()

    subscribe = watch
    """The reference's name for it."""

    # ── over all agents ───────────────────────────────────────────────────────────────────────────────────────

    async def list_running_agents(self) -> list[str]:
        """Ids of all running agents, sorted (L-63)."""
        return await self.list_agents_matching("*")

    async def agent_count(self) -> int:
        """How many agents run (L-64)."""
        return len(await self.list_running_agents())

    async def list_agents_matching(self, pattern: str) -> list[str]:
        """Ids of the running agents that match, sorted; `*` stands for anything (L-65)."""
        return await listing.running(self._line, pattern)

    # ── how it travels ────────────────────────────────────────────────────────────────────────────────────────

    async def _tell(self, agent_id: str, command: str, payload: Any, update_id: str | None = None) -> Accepted:
        return await self._line.update(agent_id, command, payload, update_id or _new_id(command))

    async def _tell_or_wake(self, agent_id: str, command: str, payload: Any, update_id: str) -> Accepted:
        try:
            return await self._tell(agent_id, command, payload, update_id)
        except AgentNotFound:
            name = await stored_name(self._store, agent_id)
            if name is None:
                raise
        return await self._line.wake(agent_id, StartAgent(agent=name), command, payload, update_id)


def _new_id(kind: str) -> str:
    return f"{kind}_{uuid4().hex}"
