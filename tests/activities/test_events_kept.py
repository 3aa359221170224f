"""What an agent announces outlives the worker that did not get to it."""

from collections import Counter
from typing import Any

import pytest

from sagents import Agent, Sagents, tool
from sagents.display import MessageType
from sagents.errors import StoreUnavailable
from sagents.events import Event
from sagents.messages import Message
from sagents.ports import DeltaSink, ModelRequest, News
from sagents_infra.stores.memory import MemoryStore
from tests.support.driving import started
from tests.support.models import Thinks, asks_for, results_since_user

pytestmark = pytest.mark.asyncio


class Dies(MemoryStore):
    """A store that takes no event of a reply until its step is on record and a second attempt has asked for it."""

    asked = 0

    async def get(self, agent_id: str, key: str) -> str | None:
        found = await super().get(agent_id, key)
        self.asked += found is not None and '"operations"' in found
        return found

    async def append(self, agent_id: str, news: Any, workflow_run_id: str | None) -> tuple[Event, ...]:
        if self.asked == 0 and any(self._is_of_a_reply(one) for one in news):
            raise StoreUnavailable("the worker dies")
        return await super().append(agent_id, news, workflow_run_id)

    def _is_of_a_reply(self, one: News) -> bool:
        is_row = one.row is not None and one.row.message_type is MessageType.ASSISTANT
        return is_row or one.event.type in ("llm_message", "tool_call_identified")


async def test_a_reply_on_record_is_told_by_the_attempt_that_finds_it(agent_env: Any) -> None:
    """The model is not asked again, and each event of the reply is in the log once."""
    asked: list[str] = []

    @tool
    def look() -> str:
        """Look."""
        return "empty"

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        asked.append(request.messages[-1].text)
        return Message.assistant("Nothing there.") if results_since_user(request) else asks_for(("look", {}))

    app = Sagents()
    app.agent("helper", Agent(model=Thinks(think), tools=[look], default_middleware=False))
    async with agent_env(app, store=Dies()) as env:
        agent = await started(env, "helper")
        assert await agent.say("hi", "m1") == "Nothing there."
        events = await env.store.events(agent.agent_id)
        counted = Counter(event.type for event in events)
        assert len(asked) == 2
        assert (counted["llm_message"], counted["tool_call_identified"]) == (2, 1)
