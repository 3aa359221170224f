"""The application's own copies: savers get the exported state, listeners each new message (L-10, L-46…L-52)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from temporalio import activity

from sagents.app import Sagents
from sagents.awaiting import called
from sagents.lifecycle import AutoSave, Lifecycle
from sagents.messages import Message
from sagents.operations import AddMessages, Operation
from sagents.plan import AgentRef, SaveReason
from sagents.ports import Store
from sagents_activities.userland import Userland

log = structlog.get_logger(__name__)


LIFECYCLES = frozenset(
    {SaveReason.COMPLETION, SaveReason.CANCEL, SaveReason.ERROR, SaveReason.INTERRUPT, SaveReason.SHUTDOWN}
)
"""Why the application's own store gets a state (B-115)."""


@dataclass(frozen=True)
class Mirrors:
    """Calls savers and listeners. What they raise is logged and stops nothing (L-10, L-51)."""

    app: Sagents
    userland: Userland
    store: Store

    def wanted(self, lifecycle: Lifecycle) -> AutoSave | None:
        """The auto-save, where one has a saver."""
        auto_save = lifecycle.auto_save
        return None if auto_save is None or auto_save.saver is None else auto_save

    def waits(self, auto_save: AutoSave, reason: SaveReason) -> bool:
        """Whether the saver is called later: `on_idle=False` leaves the interval and the shutdown (L-50)."""
        if reason is SaveReason.DECISION:
            return True
        return not auto_save.on_idle and reason not in (SaveReason.INTERVAL, SaveReason.SHUTDOWN)

    async def save(self, agent: AgentRef, auto_save: AutoSave, exported: dict[str, Any], reason: SaveReason) -> bool:
        """Hand the exported state to the saver; False where it failed, so that it is tried again (L-51)."""
        saver = self.app.savers.get(auto_save.saver or "")
        if saver is None:
            log.warning("no such saver", agent=agent.agent_id, saver=auto_save.saver, known=sorted(self.app.savers))
            return False
        context = {"conversation_id": agent.conversation_id, "scope": dict(agent.scope), "lifecycle": str(reason)}

        async def call() -> None:
            await saver.save(agent.agent_id, exported, context)

        return await self._quietly(call, agent, f"saver {auto_save.saver}")

    def persists(self, agent: AgentRef, reason: SaveReason) -> bool:
        """Whether the application's own store gets the state, too."""
        return self.app.persistence is not None and agent.sub is None and reason in LIFECYCLES

    async def persist(self, agent: AgentRef, exported: dict[str, Any], reason: SaveReason) -> None:
        """Hand the exported state to the application's own store (B-115)."""
        assert self.app.persistence is not None, "who asks has looked"
        persist, context = self.app.persistence.persist_state, {**_about(agent), "lifecycle": str(reason)}
        await self._quietly(lambda: _called(persist, dict(agent.scope), exported, context), agent, "persist_state")

    @property
    def flags(self) -> bool:
        """Whether the application wants to know when agents wait for people."""
        return hasattr(self.app.persistence, "set_interrupted")

    async def flag(self, agent: AgentRef, waits: bool) -> None:
        """The agent begins or ends to wait for people."""
        flag: Any = getattr(self.app.persistence, "set_interrupted", None)
        await self._quietly(lambda: _called(flag, dict(agent.scope), _about(agent), waits), agent, "set_interrupted")

    async def hear(self, agent: AgentRef, operations: Iterable[Operation], key: str) -> None:
        """Pass each new message to the listeners once; `key` is the save that brings them, so a retry passes none."""
        if not self.app.message_listeners or agent.conversation_id is None or agent.sub is not None:  # L-11
            return
        messages = [m for operation in operations if isinstance(operation, AddMessages) for m in operation.messages]
        writer = activity.info().workflow_run_id or ""
        mine = f"{writer}:{activity.info().activity_id}:{activity.info().attempt}"
        if not messages or await self.store.put_once(agent.agent_id, f"heard:{key}", mine, writer) != mine:
            return
        for message in messages:
            await self._pass_on(agent, message)

    async def _pass_on(self, agent: AgentRef, message: Message) -> None:
        for listener in self.app.message_listeners:

            async def call(listener: object = listener) -> None:
                await called(listener, agent.conversation_id, message)  # type: ignore[arg-type] # checked at registration

            await self._quietly(call, agent, "message listener")

    async def _quietly(self, call: object, agent: AgentRef, what: str) -> bool:
        try:
            await self.userland.run(call)  # type: ignore[arg-type]
        except Exception as error:
            log.warning("a callback failed", agent=agent.agent_id, what=what, error=repr(error))
            return False
        return True


def _about(agent: AgentRef) -> dict[str, Any]:
    return {"agent_id": agent.agent_id, "conversation_id": agent.conversation_id}


async def _called(function: Any, *arguments: Any) -> None:
    await called(function, *arguments)
