"""The office settles a complaint on a real server: all capabilities in one conversation."""

from pathlib import Path
from typing import Any

import pytest

from examples import office
from sagents import Sagents
from sagents.plan import AgentRef
from tests.support import office as talk
from tests.support.deciding import server_of
from tests.support.driving import until

pytestmark = pytest.mark.asyncio


async def test_a_complaint_is_settled_with_all_capabilities_at_once(
    agent_env: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """B-2, B-30, B-34, B-46, B-52, B-58, B-59, B-60, B-90, B-96: together on one agent."""
    ledger: dict[str, int] = {}
    monkeypatch.setattr(office, "LEDGER", ledger)
    app = Sagents()
    agent = talk.made(str(tmp_path / "logs"))
    app.agent("office", agent)
    with talk.clerk() as clerk, talk.bookkeeper() as bookkeeper:
        async with agent_env(app, models={"office": clerk, "office/bookkeeper": bookkeeper}) as env:
            conversation = talk.Conversation(server_of(env), env.store, env.id())
            await conversation.begin(env.blobs)
            for text in (talk.FIRST, talk.SECOND):
                await conversation.say(text)
                await until(conversation.is_over, 60)
            assert await conversation.problems(env.blobs, [*ledger.values()]) == []
    await agent.stack[-1].flush()  # type: ignore[attr-defined] # the last one is its DebugLog
    logs = [path.name for path in (tmp_path / "logs").iterdir()]
    assert all(any(f"_run_{number}_" in name for name in logs) for number in (1, 2))
    assert "Sign with: your shop." in clerk.requests[0].system_prompt
    assert "- letters: How we write" in clerk.requests[0].system_prompt
    (refunded,) = bookkeeper.requests[-1].messages[-1].tool_results
    assert refunded.text == "refunded 2000 cents for order 7 at desk 3"


async def test_the_application_has_it_with_everything_in_its_place() -> None:
    """B-2: what replaces a default stands where the default does."""
    agent = await office.app.make(AgentRef(name="office"))
    assert [one.id for one in agent.stack] == [
        *("todo_list", "file_system", "sub_agent", "summarization", "patch_tool_calls"),
        *("process_context", "instructions", "skills", "mcp_orders", "human_in_the_loop"),
        *("AskUserQuestion", "Haltable", "budget_run", "conversation_title", "debug_log"),
    ]
