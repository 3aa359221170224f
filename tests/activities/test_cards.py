"""An agent's card is made of what a save has at hand, without reading the state."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sagents import Agent, Message, Sagents, StateDelta, Status, SubAgent, SubAgentConfig, ToolResult, tool
from sagents.cards import AgentCard
from sagents.head import Head, Log
from sagents.operations import AddMessages, CutMessages, DropMetadata, Merge, Operation, PutMetadata, Reset
from sagents.plan import AgentRef
from sagents.ports import DeltaSink, ModelRequest
from sagents_activities.carding import card_of, title_in
from tests.client.patience import settled
from tests.support.deciding import server_of
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user, uses

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def put(title: Any, key: str = "conversation_title") -> PutMetadata:
    return PutMetadata(key=key, value=title)


@pytest.mark.parametrize(
    ("operations", "title"),
    [
        ([], None),
        ([AddMessages(messages=(Message.user("hi"),)), put("no title", "language")], None),
        ([CutMessages(start=3, count=2), put("Sky")], "Sky"),
        ([put("Sky"), put("  The\nblue   sky ")], "The blue sky"),
        ([put("Sky"), DropMetadata(key="conversation_title")], ""),
        ([DropMetadata(key="language")], None),
        ([put("Sky"), Reset()], ""),
        ([Reset(), put("Sky")], "Sky"),
        ([Merge(delta=StateDelta(metadata={"conversation_title": "Merged"}))], "Merged"),
        ([Merge(delta=StateDelta(metadata={"language": "de"}))], None),
        ([put(["no", "text"])], "['no', 'text']"),
        ([put("x" * 300)], "x" * 199 + "…"),
    ],
    ids=[
        *("nothing", "other things", "put", "put twice", "dropped", "another dropped", "reset", "put after a reset"),
        *("merged", "another merged", "no text", "long"),
    ],
)
def test_the_title_is_what_the_operations_since_the_last_save_leave(
    operations: list[Operation], title: str | None
) -> None:
    assert title_in(operations) == title


def test_a_card_says_whose_agent_it_is_and_what_it_does() -> None:
    agent = AgentRef(
        name="office", agent_id="acme:1", conversation_id="c-1", scope={"owner": "anna", "tenant": "acme", "user": 7}
    )
    assert card_of(Head(agent=agent, log=Log(tail=(put("Sky"),))), NOON) == AgentCard(
        agent_id="acme:1",
        name="office",
        conversation_id="c-1",
        title="Sky",
        owner="anna",
        tenant="acme",
        status=Status.IDLE,
        at=NOON,
    )


@tool
def call_it(title: str) -> ToolResult:
    """Give the conversation a title."""
    return ToolResult("ok", state=StateDelta(metadata={"conversation_title": title}))


@tool
def look() -> str:
    """Look at something."""
    return "seen"


def think(request: ModelRequest, _: DeltaSink) -> Message:
    """Sends a sub-agent and calls the conversation by a name, then talks."""
    if results_since_user(request) or last_user_text(request) != "begin":
        return Message.assistant("done")
    return asks_for(("task", {"instructions": "Look", "task_name": "research"}), ("call_it", {"title": "Sky"}))


@pytest.mark.asyncio
async def test_an_agent_stays_on_the_list_as_it_was_last_also_while_it_sleeps_and_its_sub_agents_never_are(
    agent_env: Any,
) -> None:
    research = SubAgentConfig(
        name="research", description="Looks", instructions="Look.", model=uses("look"), tools=[look]
    )
    app = Sagents()
    app.agent("desk", Agent(model=Thinks(think), tools=[call_it], middleware=[SubAgent([research])]))
    async with agent_env(app) as env:
        agent_id, server = env.id(), server_of(env)

        await server.start("desk", agent_id=agent_id, conversation_id="c-1", scope={"owner": "anna", "tenant": "acme"})
        await server.add_message(agent_id, "begin")
        await settled(server, agent_id)
        await server.add_message(agent_id, "go on")
        await settled(server, agent_id)
        assert await server.stop(agent_id) == "stopped"
        (card,) = await env.store.agents()
        assert (card.name, card.title, card.owner, card.tenant) == ("desk", "Sky", "anna", "acme")
        assert (card.conversation_id, card.status) == ("c-1", Status.IDLE)
        await server.delete(agent_id)
        assert await env.store.agents() == ()
