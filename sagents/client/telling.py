"""The part of `AgentServer` that tells agents something."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sagents import contract
from sagents.client import payloads
from sagents.client.reach import Reach, new_id
from sagents.client.reading import stored_head, stored_name
from sagents.errors import AgentNotFound, CannotDismiss

if TYPE_CHECKING:
    from sagents.contract import Accepted
    from sagents.lifecycle import Lifecycle


class Telling(Reach):
    """One method per command. Those that wake an agent which sleeps say so; the others raise `AgentNotFound`."""

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

    async def dismiss_interrupt(self, agent_id: str) -> Accepted:
        """Close a halt without an answer; other interrupts want one and raise `CannotDismiss` (B-63).

        An agent that sleeps over a halt is woken, over anything else it sleeps on (B-124).
        """
        try:
            return await self._tell(agent_id, contract.DISMISS_INTERRUPT, None)
        except AgentNotFound:
            carried = await stored_head(self._store, agent_id)
            if carried is None:
                raise
        head = carried.head
        if not any(interrupt.reason == "halt" for interrupt in head.open_interrupts):
            raise CannotDismiss(agent_id, head.status)
        start = contract.Opening(agent=head.agent.name)
        return await self._line.wake(agent_id, start, contract.DISMISS_INTERRUPT, None, new_id("dis"))

    async def cancel(self, agent_id: str, reason: str | None = None) -> Accepted:
        """Cancel the run that is under way; the agent lives on. Raises `CannotCancel` where none is (L-43)."""
        return await self._tell(agent_id, contract.CANCEL, {"reason": reason} if reason else None)

    async def touch(self, agent_id: str) -> bool:
        """Start the inactivity clock again (L-21); False where the last activity is fresh and nothing changed."""
        return await self._touch(agent_id)

    async def reset(self, agent_id: str, *, id: str | None = None) -> Accepted:
        """Forget messages, todos and metadata; it soon is idle. What runs is cancelled first (B-67).

        A reset with the same `id` counts once, whoever repeats it.
        """
        reset_id = id or new_id("rst")
        return await self._tell(agent_id, contract.RESET, {"id": reset_id}, reset_id)

    async def restore_state(self, agent_id: str, exported: Mapping[str, Any]) -> Accepted:
        """Put an export in the place of the agent's state; soon it is there (B-66). Wakes an agent that sleeps.

        Raises `InvalidState` for what is no export, `CannotRestore` during a run; then nothing has changed.
        An export of another agent makes a copy that goes its own way (E-39). What waited in it to be heard is queued.
        """
        contract.check_agent_id(agent_id)
        if await stored_name(self._store, agent_id) is None and not await self._line.runs(agent_id):
            raise AgentNotFound(agent_id)
        payload = {"key": await self._deposit(agent_id, exported), "id": new_id("rsr")}
        return await self._tell_or_wake(agent_id, contract.RESTORE_STATE, payload, payload["id"])

    async def configure(
        self, agent_id: str, *, lifecycle: Lifecycle | None = None, options: Mapping[str, Any] | None = None
    ) -> Accepted:
        """Give a running agent another lifecycle, or its factory other options; each replaces what was there."""
        given = {"lifecycle": None if lifecycle is None else lifecycle.wire(), "options": options}
        checked = contract.parse_configure(given).model_dump(mode="json")
        return await self._tell(agent_id, contract.CONFIGURE, checked)

    async def notify_middleware(self, agent_id: str, middleware: str, message: Any = None) -> None:
        """Give a middleware's `handle_message` something. An id that no middleware has is harmless (E-43)."""
        checked = contract.parse_notify({"middleware": middleware, "message": message})
        payload = checked.model_dump(mode="json")
        await self._line.signal(agent_id, contract.NOTIFY_MIDDLEWARE, payload)

    async def _deposit(self, agent_id: str, exported: Mapping[str, Any]) -> str:
        """Leave an export in the store, for the agent to fetch; its key."""
        from sagents.serialization import import_pending_message, import_state

        import_state(agent_id, exported)
        import_pending_message(exported)
        body = json.dumps(exported, ensure_ascii=False, sort_keys=True)
        key = f"export:{hashlib.sha256(body.encode()).hexdigest()[:16]}"
        await self._store.deposit(agent_id, key, body)
        return key
