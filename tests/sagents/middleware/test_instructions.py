"""Instructions of a project are a file, and part of the prompt as it is just now."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import Agent, HookContext, InvalidAgent, ToolContext, tool
from sagents.files import Files
from sagents.memory_blobs import MemoryBlobs
from sagents.middleware import Instructions
from sagents.testing import ScriptedModel, StillTime, calls, says, talk

pytestmark = pytest.mark.asyncio


def files(**scope: JsonValue) -> Files:
    return Files(MemoryBlobs(), "agent-1", scope or {"project": "apollo"}, now=lambda: datetime.now(UTC))


async def prompt(of: Files, **options: Any) -> str:
    agent = Agent(model="test:any", system_prompt="You help.", middleware=[Instructions(**options)])
    agent = replace(agent, default_middleware=False)
    return await agent.system_prompt_for(HookContext(files=of))


async def test_the_file_of_the_project_is_joined_to_the_prompt() -> None:
    apollo = files()
    await apollo.of("project").create("/AGENTS.md", "Write British English.\n")
    assert await prompt(apollo) == "You help.\n\n## Instructions from /AGENTS.md\n\nWrite British English."


async def test_another_path_and_scope_may_hold_them() -> None:
    mine = files(user="ada")
    await mine.of("user").create("/about-me.md", "I am a surgeon.")
    assert (await prompt(mine, path="/about-me.md", scope="user")).endswith("from /about-me.md\n\nI am a surgeon.")


async def test_without_the_file_or_the_scope_there_are_none() -> None:
    assert await prompt(files()) == "You help."
    assert await prompt(files(user="ada")) == "You help."
    empty = files()
    await empty.of("project").create("/AGENTS.md", " \n")
    assert await prompt(empty) == "You help."


async def test_another_project_has_other_instructions() -> None:
    blobs = MemoryBlobs()
    for project in ("apollo", "gemini"):
        await Files(blobs, "a", {"project": project}).of("project").create("/AGENTS.md", f"This is {project}.")
    assert (await prompt(Files(blobs, "a", {"project": "gemini"}))).endswith("This is gemini.")


@tool
async def reword(context: ToolContext) -> None:
    """Write the instructions anew."""
    await context.files.write("/AGENTS.md", "Be verbose.")


async def test_a_change_counts_from_the_next_model_call_on() -> None:
    time = StillTime()
    await Files(time.blobs, "agent-1").create("/AGENTS.md", "Be brief.")
    given: dict[str, Any] = {"middleware": [Instructions(scope="agent")], "default_middleware": False}
    agent = Agent(model="test:any", agent_id="agent-1", tools=[reword], **given)
    model = ScriptedModel(calls(reword), says("Yes."))
    await talk(agent, model, "Hi", time=time)
    before, after = (request.system_prompt for request in model.requests)
    assert (before[-9:], after[-11:]) == ("Be brief.", "Be verbose.")


async def test_a_long_file_is_cut_off() -> None:
    apollo = files()
    await apollo.of("project").create("/AGENTS.md", "word " * 100)
    assert (await prompt(apollo, max_characters=10)).endswith("\n\nword word…")


async def test_a_file_that_is_no_text_is_told_and_passed_over() -> None:
    apollo, heard = files(), []
    await apollo.of("project").create("/AGENTS.md", b"\xff\xfe")
    context = HookContext(files=apollo, emit=lambda type, data: heard.append((type, data)))
    assert await Instructions().system_prompt(context) is None
    assert [type for type, _ in heard] == ["middleware_action"]


@pytest.mark.parametrize(
    "options", [{"path": "AGENTS.md"}, {"path": "/../x"}, {"scope": "team"}, {"max_characters": 0}], ids=str
)
async def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidAgent):
        Instructions(**options)
