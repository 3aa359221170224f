"""The part of `AgentServer` that brings what people say: read twice, taken by the agent, shown to who watches.

message ─▶ preprocessor ─▶ { llm half  ─▶ agent          }
                           { display   ─▶ rows, at once  }   raises: nothing has changed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sagents import contract
from sagents.client import payloads
from sagents.client.owning import started_with
from sagents.client.payloads import Content, Payload
from sagents.client.reading import read_state, stored_head
from sagents.client.rows import Rows

if TYPE_CHECKING:
    from sagents.contract import Accepted
    from sagents.plan import AgentRef
    from sagents.preprocessing import MessagePreprocessor, Preprocess
    from sagents.state import State


class Saying(Rows):
    """What people say. With a preprocessor each message has two halves, unless its sender says how it is shown."""

    _preprocessor: MessagePreprocessor | Preprocess | None = None

    async def add_message(
        self,
        agent_id: str,
        message: Content,
        *,
        id: str | None = None,
        display: Content | None = None,
        sender: str | None = None,
    ) -> Accepted:
        """Give the agent a user's message; it starts a run, or waits for the end of the one under way (B-64).

        Wakes an agent that sleeps. A message with the same `id` counts once, whoever repeats it. `display` is what
        people see in its place, an empty text hides it. `sender` is whose it is, as a door has verified it: who asks
        for something cannot approve it where `self_approval=False`.
        """
        payload = payloads.message(message, id, display, sender)
        if self._preprocessor is not None and display is None:
            payload = await self._halved(agent_id, payload)
        accepted = await self._tell_or_wake(agent_id, contract.ADD_MESSAGE, payload, payload["id"])
        await self._show(agent_id, contract.parse_message(payload))
        return accepted

    async def _halved(self, agent_id: str, payload: Payload) -> Payload:
        from sagents.preprocessing import PreprocessContext, halves

        assert self._preprocessor is not None, "only a door with a preprocessor reads twice"
        message = contract.parse_message(payload).message
        about = await self._about(contract.check_agent_id(agent_id))

        async def state() -> State:
            return await read_state(self._line, self._store, agent_id)

        context = PreprocessContext(
            agent_id=agent_id, conversation_id=about.conversation_id, options=about.options, read_state=state
        )
        made = await halves(self._preprocessor, about.scope, message, context)
        return payloads.message(made.llm, payload["id"], made.display, payload.get("sender"))

    async def _about(self, agent_id: str) -> AgentRef:
        """What the agent was started with, as it was saved last or, before that, as its workflow run began."""
        from sagents.plan import AgentRef

        carried = await stored_head(self._store, agent_id)
        if carried is not None:
            return carried.head.agent
        started: Any = await started_with(self._line, agent_id)
        given = started if isinstance(started, Mapping) else {}
        return AgentRef(
            agent_id=agent_id,
            **{name: given[name] for name in ("conversation_id", "scope", "options") if given.get(name)},
        )
