"""What the system prompt says about files: only of tools that the agent has (B-34)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

TOOLS = (
    "list_files",
    "read_file",
    "create_file",
    "replace_file_text",
    "find_in_file",
    "delete_file",
    "move_file",
)

DISPLAY_TEXTS = {
    "list_files": "Listing files",
    "read_file": "Reading file",
    "create_file": "Creating file",
    "replace_file_text": "Replacing file text",
    "find_in_file": "Searching file",
    "delete_file": "Deleting file",
    "move_file": "Moving file",
}

_WHAT = {
    "list_files": "which files there are, as a JSON array; a pattern narrows them down",
    "read_file": "a file's lines with their numbers, long files in parts",
    "create_file": "write a new file; an error where one exists",
    "replace_file_text": "replace a text in a file; it has to be there exactly once, or set replace_all",
    "find_in_file": "the lines of one file that match an expression",
    "delete_file": "remove a file",
    "move_file": "move or rename a file or a directory",
}

_ADVICE = {
    "list_files": "Look with `list_files` before you guess a path. In its pattern `*` stands for anything: `*.md`, "
    "`/reports/*`.",
    "find_in_file": "`find_in_file` searches one file of an exact path.",
    "create_file": "`create_file` is for new files only.",
    "replace_file_text": "Give `replace_file_text` enough of the surrounding text that `old_string` is unique. The "
    "line number and the tab before a line are not part of the file; its indentation is. Others may edit the same "
    "file: where a text is not found any more, read the file again.",
    "delete_file": "Delete only what you have seen in the filesystem.",
    "move_file": "Rename with `move_file`, not by creating a copy.",
}

_PATHS = (
    'Paths start with "/" and may have directories, as "/reports/q1-summary.md"; ".." and "~" are not allowed. '
    "Files stay when the conversation is over."
)


def file_prompt(enabled: Collection[str], readonly: Sequence[str]) -> str:
    """The section about files; empty without tools."""
    names = [name for name in TOOLS if name in enabled]
    if not names:
        return ""
    tools = "\n".join(f"- `{name}`: {_WHAT[name]}" for name in names)
    advice = "\n".join(f"- {_ADVICE[name]}" for name in names if name in _ADVICE)
    parts = ["## Files", f"You have files, and these tools for them:\n\n{tools}", _PATHS]
    if readonly:
        parts.append(f"Only for reading: {', '.join(readonly)}.")
    return "\n\n".join([*parts, *([advice] if advice else [])])
