"""What `docs/files.md` shows works as it is written there."""

import re
from pathlib import Path
from typing import Any

import pytest

from sagents import HookContext, ToolContext
from sagents.file_prompt import TOOLS
from sagents.files import Files

PAGE = (Path(__file__).resolve().parents[2] / "docs/files.md").read_text(encoding="utf-8")
SCOPE = {"project": "p-7", "organization": "acme"}


@pytest.mark.asyncio
async def test_the_agent_and_the_tool_of_the_page_share_files() -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    files = Files(agent_id="c-1", agent_scope=SCOPE)
    assert await names["export"].bound(ToolContext(files=files))(report="q1") == "/team/q1.pdf, 3 bytes"
    tools = {tool.name: tool for tool in await names["agent"].all_tools(HookContext())}
    listed = await tools["list_files"].call({}, ToolContext(files=files))
    assert "/team/q1.pdf" in listed.content
    assert "Only for reading: /handbook." in await names["agent"].system_prompt_for(HookContext())


def test_the_page_has_every_tool() -> None:
    assert re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE) == list(TOOLS)
