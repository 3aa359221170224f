"""An agent knows which skills there are, and reads one when it needs it."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from sagents.errors import FileProblem, FileRefused, InvalidAgent
from sagents.file_directories import check_scope
from sagents.file_paths import directory
from sagents.files import Files
from sagents.hooks import HookContext, Middleware
from sagents.replies import ModelRetry
from sagents.scopes import ScopeName
from sagents.skills import Skill, parts_of, skills_in
from sagents.tool_context import ToolContext
from sagents.tools import Tool

_PROMPT = """## Skills

A skill is a text that says how a certain kind of work is done here. Before work that one of these fits, read it with \
`read_skill` and follow it.
"""

_PARAMETERS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"name": {"type": "string", "description": "The skill's name, as it is listed"}},
    "required": ["name"],
    "additionalProperties": False,
}


class Skills(Middleware):
    """Lists the skills of a folder in the system prompt, by name and description, and gives the tool `read_skill`.

    A skill is a file `<folder>/<name>.md` or `<folder>/<name>/SKILL.md` in the files of a scope, with `name:` and
    `description:` between two lines `---` at its beginning. An agent that has no such scope has no skills.
    """

    id = "skills"
    tool_names = ("read_skill",)

    def __init__(self, folder: str = "/skills", scope: ScopeName = "project") -> None:
        try:
            self.folder, self.scope = directory(folder), check_scope(scope)
        except FileRefused as error:
            raise InvalidAgent(f"Skills: {error}") from None
        self._tool = Tool.from_schema(
            name="read_skill",
            description="Read a skill: how a certain kind of work is done.",
            display_text="Reading a skill",
            parameters=_PARAMETERS,
            function=self._read_skill,
            inline=True,
        )

    async def system_prompt(self, context: HookContext, /) -> str | None:
        skills = await self._skills(context.files)
        lines = [f"- {skill.name}" + f": {skill.description}" * bool(skill.description) for skill in skills.values()]
        return "\n".join([_PROMPT, *lines]) if lines else None

    def tools(self, _: HookContext, /) -> tuple[Tool[..., Any], ...]:
        return (self._tool,)

    def debug_summary(self) -> JsonValue:
        return {"folder": self.folder, "scope": self.scope}

    async def _skills(self, files: Files) -> dict[str, Skill]:
        try:
            return await skills_in(files.of(self.scope), self.folder)
        except FileRefused:
            return {}

    async def _read_skill(self, context: ToolContext, arguments: dict[str, Any]) -> str:
        skills = await self._skills(context.files)
        skill = skills.get(str(arguments["name"]).strip())
        if skill is None:
            raise ModelRetry(f"No skill is called {arguments['name']!r}; skills are {', '.join(skills) or 'none'}.")
        try:
            return parts_of((await context.files.of(self.scope).read(skill.path)).text)[1].strip()
        except FileProblem as error:
            raise ModelRetry(str(error)) from None
