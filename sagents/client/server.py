"""AgentServer: how a program talks to agents. One method per command or question; the agent's id comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import uuid4

from temporalio.client import Client

from sagents import contract
from sagents.client import payloads, watching
from sagents.client.asking import Asking
from sagents.client.connecting import connect_outside
from sagents.client.deciding import DecidedItem, Deciding
from sagents.client.finding import Finding
from sagents.client.inbox import Inbox
from sagents.client.line import Line
from sagents.client.owning import tenants
from sagents.client.payloads import Content, Decisions
from sagents.client.reach import new_id
from sagents.client.reading import stored_name
from sagents.client.saying import Saying
from sagents.client.session import Session, agent_id_for
from sagents.client.telling import Telling
from sagents.client.viewing import Viewing
from sagents.errors import AgentNotFound, AgentNotRegistered, CannotAnswer

if TYPE_CHECKING:
    from sagents.contract import Opening
    from sagents.lifecycle import Lifecycle
    from sagents.messages import Message
    from sagents.ports import Blobs, Channel, Presence, Signer, Store
    from sagents.preprocessing import MessagePreprocessor, Preprocess

__all__ = ["AgentServer", "Content", "DecidedItem", "Decisions"]

STARTER = "starts_with_an_export"
"""The id of the one restore with which a new agent starts, and the key under which its starter signs."""


class AgentServer(Saying, Telling, Deciding, Inbox, Asking, Viewing, Finding):
    """Agents that run on Temporal. Make one by `await AgentServer.connect()` and keep it.

    Absent agents raise `AgentNotFound`; those that sleep can be read, and are woken by `add_message`, `resume`,
    `decide` and `restore_state`. What it can tell is in `telling`, what people say in `saying`, transcripts in `rows`,
    what it can ask in `asking`, who looks in `viewing`, people's decisions in `deciding`, what waits for them in
    `inbox`. With a `signer` it vouches for who decides; a `preprocessor` reads what people say before agents do.
    `CannotAnswer` means that Temporal, a worker or the store is out of reach, and says nothing about the agent.
    """

    def __init__(
        self,
        client: Client,
        *,
        store: Store,
        channel: Channel,
        presence: Presence | None = None,
        signer: Signer | None = None,
        blobs: Blobs | None = None,
        preprocessor: MessagePreprocessor | Preprocess | None = None,
        task_queue: str = contract.TASK_QUEUE,
        patience: timedelta = timedelta(seconds=20),
    ) -> None:
        super().__init__(Line(client, task_queue, patience), store, channel, presence, signer)
        self._preprocessor = preprocessor
        self._blobs = blobs

    @classmethod
    async def connect(cls, settings: Any = None, *, lazy: bool = False) -> Self:
        """Connect as `SAGENTS_*`, `TEMPORAL_*` and `temporal.toml` say. Raises `CannotAnswer` where nothing answers.

        With `lazy` Temporal is reached by the first call that needs it; what the store knows is there without it.
        """
        from sagents.preprocessing import preprocessor_at

        outside = await connect_outside(settings, lazy)
        return cls(
            outside.client,
            store=outside.store,
            channel=outside.channel,
            presence=outside.presence,
            signer=outside.signer,
            blobs=outside.blobs,
            preprocessor=preprocessor_at(outside.settings.preprocessor),
            task_queue=outside.settings.task_queue,
        )

    def close(self) -> None:
        """Let go of the store, the channel and the presence, where they hold anything."""
        for part in (self._channel, self._presence, self._store):
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
        subscribe: bool = False,
        exported: Mapping[str, Any] | None = None,
    ) -> Session:
        """Start the agent registered as `name`; where one runs under this id, that one is meant (L-12).

        Without an `agent_id` it derives from the conversation, else it is a new one. `messages` are its past:
        they start no run. An agent that sleeps comes back with its own state, not with `messages`.
        `exported` is a state that the application kept; a new agent begins with it, whoever starts it first.
        With `subscribe` the session's `events` have all that happens from before the start (L-13).
        """
        if not isinstance(name, str):
            raise AgentNotRegistered(getattr(name, "name", None) or "...")
        if agent_id is None and conversation_id is not None:
            agent_id = agent_id_for(conversation_id, scope)
        agent_id = contract.check_agent_id(agent_id or f"{name or 'agent'}-{uuid4().hex[:12]}")
        start = payloads.start(name, conversation_id, messages, lifecycle, scope, options)
        last = await watching.end_of_log(self._store, agent_id) if subscribe else None
        if exported is None:
            started = await self._line.start(agent_id, start)
        else:
            started = await self._start_from(agent_id, start, exported)
        return Session(
            agent_id=agent_id,
            handle=self._line.handle(agent_id),
            started=started,
            conversation_id=conversation_id,
            events=None if last is None else self.watch(agent_id, after=last),
        )

    async def exists(self, agent_id: str) -> bool:
        """Whether the agent runs or sleeps; of one that never was, or was deleted, nothing is known."""
        return await self._line.runs(agent_id) or await stored_name(self._store, agent_id) is not None

    async def _start_from(self, agent_id: str, start: Opening, exported: Mapping[str, Any]) -> bool:
        """Start with an export, in one request, so that no message comes before it. Of several at once one wins."""
        if await self.exists(agent_id):
            return await self._line.start(agent_id, start)
        key, token = await self._deposit(agent_id, exported), uuid4().hex
        await self._store.deposit(agent_id, STARTER, token)
        await self._line.wake(agent_id, start, contract.RESTORE_STATE, {"key": key, "id": STARTER}, STARTER)
        return await self._store.get(agent_id, STARTER) == token

    async def stop(self, agent_id: str, reason: str | None = None) -> Literal["stopped", "not_running"]:
        """Let the agent save and leave, and wait until it has. A run under way may end first, up to the lifecycle's

        `stop_patience`; then it is cancelled (L-42).
        """
        try:
            stopping = await self._tell(agent_id, contract.STOP, {"reason": reason} if reason else None)
            patience = self._line.patience + timedelta(milliseconds=stopping.run_ends_within_ms)
            await self._line.within(patience).ended(agent_id)
        except AgentNotFound:
            return "not_running"
        return "stopped"

    async def delete(
        self, agent_id: str, *, within: timedelta = timedelta(seconds=10)
    ) -> Literal["deleted", "not_found"]:
        """Stop the agent and forget all that the store has of it: state, records and events; nothing wakes it again.

        Its own files go, too; those of its user, project or organization stay. One that has not left after `within`,
        because a tool is long or no worker runs, is terminated. Temporal keeps the history until the namespace's
        retention ends.
        """
        contract.check_agent_id(agent_id)
        known = await self._store.load(agent_id) is not None
        if await self._line.runs(agent_id):
            await self._end(agent_id, within)
            known = True
        await self._delete_files(agent_id)
        await self._store.delete(agent_id)
        return "deleted" if known else "not_found"

    async def _delete_files(self, agent_id: str) -> None:
        """Before the store forgets whose tenant's agent it was."""
        from sagents.scopes import Scope

        if self._blobs is not None:
            for tenant in {"", *await tenants(self._line, self._store, agent_id)}:
                await self._blobs.clear(Scope(id=agent_id, tenant=tenant))

    async def _end(self, agent_id: str, within: timedelta) -> None:
        line = self._line.within(within / 2)
        try:
            await line.update(agent_id, contract.STOP, {"reason": "deleted", "patience_ms": 0}, new_id("stop"))
            await line.ended(agent_id)
        except AgentNotFound:
            pass
        except CannotAnswer:
            await self._line.terminate(agent_id, "deleted")
