"""Files for an agent, in scopes that outlive it: seven tools, and directories with rules of their own (B-34…B-44)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from sagents.errors import InvalidAgent
from sagents.file_directories import Directories, FileSystemConfig
from sagents.file_prompt import DISPLAY_TEXTS, TOOLS, file_prompt
from sagents.file_tools import FileTools
from sagents.hooks import HookContext, Middleware
from sagents.scopes import ScopeName
from sagents.tools import Tool, tool

__all__ = ["FileSystem", "FileSystemConfig"]


class FileSystem(Middleware):
    """Gives the agent files: its own, or those that it shares in the scope of its user, project or organization.

    ```python
    FileSystem()                                         # files of its own, all seven tools
    FileSystem("project", enabled_tools=["list_files", "read_file"])
    FileSystem(directories=[
        FileSystemConfig(base_directory="handbook", scope="organization", readonly=True),
        FileSystemConfig(base_directory="team", scope="project"),
    ])
    ```

    Code reaches the same files by `context.files`, in tools and hooks, where nothing is only for reading.
    """

    id = "file_system"

    def __init__(
        self,
        scope: ScopeName = "agent",
        *,
        directories: Sequence[FileSystemConfig] = (),
        enabled_tools: Sequence[str] | None = None,
        custom_tool_descriptions: Mapping[str, str] | None = None,
        custom_display_texts: Mapping[str, str] | None = None,
    ) -> None:
        self.scope = scope
        self.directories = Directories(scope, directories)
        self.enabled_tools = self.tool_names = _enabled(enabled_tools)
        descriptions = _texts("custom_tool_descriptions", custom_tool_descriptions)
        labels = DISPLAY_TEXTS | _texts("custom_display_texts", custom_display_texts)
        work = FileTools(self.directories)
        made = [tool(getattr(work, name), display_text=labels[name]) for name in self.enabled_tools]
        self._tools: tuple[Tool[..., Any], ...] = tuple(
            replace(one, description=descriptions.get(one.name, one.description)) for one in made
        )

    def system_prompt(self, _: HookContext, /) -> str:
        return file_prompt(self.enabled_tools, self.directories.readonly)

    def tools(self, _: HookContext, /) -> tuple[Tool[..., Any], ...]:
        return self._tools

    def debug_summary(self) -> JsonValue:
        return {
            "scope": self.scope,
            "enabled_tools": list(self.enabled_tools),
            "readonly": list(self.directories.readonly),
        }


def _enabled(names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return TOOLS
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise InvalidAgent(f"enabled_tools must be a list of tool names, got: {names!r}")
    _known("enabled_tools", names)
    return tuple(name for name in TOOLS if name in names)


def _texts(option: str, texts: Mapping[str, str] | None) -> dict[str, str]:
    """By tool; those of tools that are not enabled are let be."""
    if texts is None:
        return {}
    if not isinstance(texts, Mapping):
        raise InvalidAgent(f"{option} must be a dict from a tool's name to a text, got: {texts!r}")
    _known(option, texts)
    if wrong := [text for text in texts.values() if not isinstance(text, str)]:
        raise InvalidAgent(f"{option} values must be strings, got: {wrong[0]!r}")
    return dict(texts)


def _known(option: str, names: Sequence[str] | Mapping[str, str]) -> None:
    if unknown := [name for name in names if name not in TOOLS]:
        raise InvalidAgent(f"Unknown tool name(s) in {option}: {unknown}. Valid tools: {', '.join(TOOLS)}.")
