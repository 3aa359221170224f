"""The planner, and what `docs/middleware.md` shows, work as they are written."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from examples import planner
from sagents import Sagents
from sagents.messages import Role
from sagents.plan import AgentRef
from sagents.testing import ScriptedModel, StillTime, calls, calls_raw, says, talk
from tests.client.patience import settled
from tests.support.deciding import server_of

PAGE = Path(__file__).resolve().parents[2] / "docs/middleware.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def todos(*statuses: str) -> dict[str, Any]:
    steps = ("find a room", "invite people")
    return {
        "merge": False,
        "todos": [
            {"id": n, "content": step, "status": status}
            for n, (step, status) in enumerate(zip(steps, statuses, strict=True), start=1)
        ],
    }


@pytest.mark.asyncio
async def test_the_planner_plans_names_shortens_and_is_logged(tmp_path: Path) -> None:
    """B-30, B-33, B-58, B-60, B-2: all at once."""
    small, time = ScriptedModel(says("Board meeting"), name="small"), StillTime()
    model = ScriptedModel(
        calls_raw("write_todos", todos("in_progress", "pending")),
        calls(planner.room, day="Monday", people=12),
        says("There is a room. " + "word " * 200),
        calls_raw("write_todos", todos("completed", "completed")),
        says("All is done."),
    )
    agent = planner.made(small, max_tokens=150, log_dir=str(tmp_path))
    outcome = await talk(agent, model, "Prepare the board meeting", "Fine", time=time)
    small.done()
    assert (outcome.text, outcome.state.todos) == ("All is done.", ())
    assert outcome.state.get_metadata("conversation_title") == "Board meeting"
    assert outcome.state.messages[0].text.startswith("Summarize our conversation")
    assert [m.text for m in outcome.state.messages if m.role is Role.USER][-1] == "Fine"
    shown = [str(told["row"]) for told in time.happened("display_message_saved")]
    assert ["'completed': 2" in row for row in shown] == [False, True]
    await agent.stack[-1].flush()  # type: ignore[attr-defined] # the last one is its DebugLog
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.asyncio
async def test_it_does_so_on_temporal_too(agent_env: Any) -> None:
    """B-30, B-58, B-60: what is cut stays cut when the agent is asked again, and its state read whole."""
    small = ScriptedModel(says("Board meeting"), name="small")
    app = Sagents()
    app.agent("planner", planner.made(small, max_tokens=100))
    script = [
        calls_raw("write_todos", todos("in_progress", "pending")),
        calls(planner.room, day="Monday", people=12),
        says("There is a room. " + "word " * 200),
        calls_raw("write_todos", todos("completed", "completed")),
        says("All is done."),
    ]
    async with agent_env(app, models={"planner": ScriptedModel(*script)}) as env:
        server = server_of(env)
        await server.start("planner", agent_id=env.id())
        for text in ("Prepare the board meeting", "Fine"):
            await server.add_message(env.id(), text)
            await settled(server, env.id())
        state = await server.get_state(env.id())
        events = await env.store.events(env.id())
    told = [event.data.get("action") for event in events if event.type == "middleware_action"]
    assert (state.messages[-1].text, state.todos) == ("All is done.", ())
    assert state.messages[0].text.startswith("Summarize our conversation")
    assert state.get_metadata("conversation_title") == "Board meeting"
    assert set(told) == {"summarizing", "summarized"}


@pytest.mark.asyncio
async def test_the_application_has_it() -> None:
    agent = await planner.app.make(AgentRef(name="planner"))
    assert [one.id for one in agent.stack] == [
        "todo_list",
        "file_system",
        "sub_agent",
        "summarization",
        "patch_tool_calls",
        "conversation_title",
        "debug_log",
    ]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_page_shows_what_works(number: int) -> None:
    exec(compile(BLOCKS[number], f"{PAGE.name}:{number}", "exec"), {"__name__": "page"})
