"""Questions of the model and halts of its tools, on a living agent."""

from typing import Any

import pytest

from sagents import AskUserQuestion, Haltable, halt, tool
from tests.support.driving import started, until
from tests.support.models import uses
from tests.support.skipping import app_of

pytestmark = pytest.mark.asyncio

OPTIONS = [{"label": "Rome", "value": "rome"}, {"label": "Oslo", "value": "oslo"}]


@tool
def book(city: str) -> str:
    """Book a trip."""
    halt(f"{city} is sold out.")


async def test_a_question_is_answered_by_the_rules_of_its_type(agent_env: Any) -> None:
    """B-92, B-93, B-95: a wrong answer is refused and changes nothing, the right one is told and shown."""
    asking = uses("ask_user", question="Where to?", response_type="single_select", options=OPTIONS)
    async with agent_env(app_of(asking, middleware=[AskUserQuestion()])) as env:
        agent = await started(env, "helper")
        await agent.send("Plan a trip")
        await agent.reaches("interrupted")
        refused = await agent.refused("resume", [{"type": "answer", "selected": ["rio"]}])
        assert (refused.type, await agent.status()) == ("InvalidDecision", "interrupted")
        await agent.update("resume", [{"type": "answer", "selected": ["oslo"]}])
        await agent.reaches("idle")
        assert [message.text for message in await agent.messages()][-1] == "done: User selected: oslo"
        rows = [data["row"] for data in await _told(env, agent, "display_message_saved")]
        assert [row["content"]["text"] for row in rows if row["message_type"] == "user"] == ["Plan a trip", "Oslo"]


async def test_a_halt_is_told_once_and_answered_by_a_message(agent_env: Any) -> None:
    """B-96: the words of the person start anew."""
    async with agent_env(app_of(uses("book", city="Rome"), tools=[book], middleware=[Haltable()])) as env:
        agent = await started(env, "helper")
        await agent.send("To Rome")
        await agent.reaches("interrupted")
        told = await _told(env, agent, "agent_halted")
        assert [(data["message"], data["source_tool"]) for data in told] == [("Rome is sold out.", "book")]
        await agent.update("resume", [{"type": "respond", "content": "To Oslo then"}])
        await until(lambda: _said(agent, "To Oslo then"))


async def _said(agent: Any, text: str) -> bool:
    return text in [message.text for message in await agent.messages()]


async def _told(env: Any, agent: Any, kind: str) -> list[Any]:
    return [event.data for event in await env.store.events(agent.agent_id) if event.type == kind]
