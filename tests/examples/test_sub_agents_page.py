"""What `docs/sub_agents.md` shows works as it is written there."""

import re
from pathlib import Path
from typing import Any

import pytest

from sagents import Agent, SubAgent
from sagents.testing import ScriptedModel, calls_raw, says, talk

PAGE = (Path(__file__).resolve().parents[2] / "docs/sub_agents.md").read_text(encoding="utf-8")


def shown() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    return names


@pytest.mark.asyncio
async def test_the_desk_of_the_page_sends_by_task_and_by_a_tool_of_its_own() -> None:
    names = shown()
    child = ScriptedModel(says("It rains."))
    config = names["research"]
    config = type(config)(**{**vars(config), "model": child})
    agent = Agent(model="test:any", tools=[names["report_on"]], middleware=[SubAgent([config])])
    model = ScriptedModel(calls_raw("report_on", {"city": "Bergen"}), says("Done."))
    outcome = await talk(agent, model, "Go")
    assert [result.text for message in outcome.state.messages for result in message.tool_results] == ["It rains."]
    assert [one.text for one in child.requests[0].messages] == ["We write for children.", "Report on Bergen."]
    assert [one.id for one in names["desk"].stack][2] == "sub_agent"
