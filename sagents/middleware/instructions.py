"""Instructions that people keep in a file, for all agents of a project or a user."""

from __future__ import annotations

from pydantic import JsonValue

from sagents.clipping import clipped
from sagents.errors import FileMissing, FileRefused, InvalidAgent
from sagents.file_directories import check_scope
from sagents.file_paths import checked
from sagents.hooks import HookContext, Middleware
from sagents.scopes import ScopeName

MAX_CHARACTERS = 40_000


class Instructions(Middleware):
    """Joins a file in a scope to the system prompt, as it is at each model call; where there is none, nothing.

    Whoever may write the file tells the agent what to do: let agents only read it. A text over `max_characters` is cut
    off. Where the storage cannot be read the run fails: without its instructions it would be another agent.
    """

    id = "instructions"

    def __init__(
        self,
        path: str = "/AGENTS.md",
        scope: ScopeName = "project",
        *,
        max_characters: int = MAX_CHARACTERS,
        id: str = id,
    ) -> None:
        try:
            self.path = checked(path)
        except FileRefused as error:
            raise InvalidAgent(f"Instructions: {error}") from None
        if isinstance(max_characters, bool) or not isinstance(max_characters, int) or max_characters < 1:
            raise InvalidAgent(f"Instructions: max_characters is a whole number above zero, not {max_characters!r}.")
        self.scope, self.max_characters, self.id = check_scope(scope), max_characters, id

    async def system_prompt(self, context: HookContext, /) -> str | None:
        try:
            text = (await context.files.of(self.scope).read(self.path)).text.strip()
        except FileMissing:
            return None
        except FileRefused as error:  # the agent has no such scope, or the file is no text
            context.emit("middleware_action", {"middleware": self.id, "action": "failed", "error": str(error)})
            return None
        return f"## Instructions from {self.path}\n\n{clipped(text, self.max_characters)}" if text else None

    def debug_summary(self) -> JsonValue:
        return {"path": self.path, "scope": self.scope}
