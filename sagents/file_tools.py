"""The seven tools for files, as a model meets them (B-35). Their texts tell it what to do next."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from sagents.errors import FileMissing, FileProblem, FileRefused, FileTaken
from sagents.file_directories import Directories
from sagents.file_entries import text_of
from sagents.file_paths import checked, directory
from sagents.files import FileEntry
from sagents.replies import ToolResult
from sagents.text_lines import LARGEST, ROOM, expression, found, rendered, replaced
from sagents.tool_context import ToolContext

P = ParamSpec("P")
Work = Callable[Concatenate["FileTools", ToolContext, P], Awaitable[str]]
Safe = Callable[Concatenate["FileTools", ToolContext, P], Awaitable[ToolResult]]

EXISTS = "Use replace_file_text to modify existing files."
GLOBS = (
    "Wildcards and globs are not supported in file_path. Provide an exact file path (e.g., '/notes.txt'). "
    "Use list_files to discover matching files first."
)


def told(work: Work[P]) -> Safe[P]:
    """The tool with every problem in words for the model: it never fails otherwise (B-36)."""

    @wraps(work)
    async def call(self: FileTools, context: ToolContext, /, *args: P.args, **kwargs: P.kwargs) -> ToolResult:
        try:
            return ToolResult(await work(self, context, *args, **kwargs))
        except FileProblem as problem:
            return ToolResult(str(problem), is_error=True)
        except Exception as error:
            return ToolResult(f"Filesystem not available: {error}", is_error=True)

    return call


class FileTools:
    """What the tools do, each under the name that models call it by."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    @told
    async def list_files(self, context: ToolContext, pattern: str | None = None) -> str:
        """List files, as a JSON array with path, mime_type and size of each.

        Use it before you read or change files whose paths you do not know.

        Args:
            pattern: Only paths that match, where '*' stands for anything: '*summary*', '*.md', '/reports/*'
        """
        entries = await self._directories.listed(context.files)
        if pattern:
            matches = expression(pattern.replace(".", r"\.").replace("*", ".*"))
            entries = tuple(entry for entry in entries if matches(entry.path))
        if not entries:
            return f"No files match pattern: {pattern}" if pattern else "No files in filesystem"
        return _array(entries)

    @told
    async def read_file(self, context: ToolContext, file_path: str, start_line: int = 1, limit: int = 2000) -> str:
        """Read a text file: each line with its number and a tab before it, as `cat -n` does.

        Args:
            file_path: Path of the file
            start_line: First line to read, counted from 1
            limit: Most lines to read
        """
        return rendered(await self._text(context, checked(file_path)), start_line, limit)

    @told
    async def create_file(self, context: ToolContext, file_path: str, content: str) -> str:
        """Create a new file. Where one exists it is an error: change that one with replace_file_text.

        Args:
            file_path: Path of the new file
            content: What is in it
        """
        path = checked(file_path)
        files = self._directories.writable(context.files, path)
        try:
            entry = await files.create(path, content, once=context.idempotency_key)
        except FileTaken as taken:
            raise FileRefused(f"{taken}. {EXISTS}") from None
        return json.dumps(entry.to_map(), ensure_ascii=False)

    @told
    async def replace_file_text(
        self, context: ToolContext, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> str:
        """Replace a text in a file by another. It has to be there exactly once, unless replace_all is true.

        Args:
            file_path: Path of the file
            old_string: What to replace, exactly as it is in the file, without the line numbers of read_file
            new_string: What to put in its place
            replace_all: Replace it wherever it is
        """
        path, count = checked(file_path), 0

        def change(data: bytes) -> bytes:
            nonlocal count
            text, count = replaced(text_of(path, data), old_string, new_string, replace_all)
            return text.encode()

        files = self._directories.writable(context.files, path)
        await files.edit(path, change, once=context.idempotency_key)
        return f"File edited successfully: {path}" + (f" ({count} replacements)" if count > 1 else "")

    @told
    async def find_in_file(
        self,
        context: ToolContext,
        pattern: str,
        file_path: str,
        case_sensitive: bool = True,
        context_lines: int = 0,
        max_results: int = 50,
    ) -> str:
        """Find the lines of one file that match a text or regular expression.

        Args:
            pattern: Text or regular expression, without look-around and back-references
            file_path: Exact path of the file; no wildcards
            case_sensitive: Whether upper and lower case differ
            context_lines: How many lines around each match to show
            max_results: Most matches to show
        """
        if any(sign in file_path for sign in "*?[]"):
            raise FileRefused(GLOBS)
        path = checked(file_path)
        text = await self._text(context, path)
        lines = found(
            text, pattern, case_sensitive=case_sensitive, context_lines=context_lines, max_results=max_results
        )
        return f"File: {path}\n{lines}" if lines else "No matches found"

    @told
    async def delete_file(self, context: ToolContext, file_path: str) -> str:
        """Delete a file.

        Args:
            file_path: Path of the file
        """
        path = checked(file_path)
        try:
            await self._directories.writable(context.files, path, "delete from").delete(path)
        except FileMissing:
            if context.attempt == 1:
                raise  # else an earlier attempt, whose worker was lost, has deleted it
        return f"File deleted successfully: {path}"

    @told
    async def move_file(self, context: ToolContext, old_path: str, new_path: str) -> str:
        """Move or rename a file, or a directory with all that is in it. Nothing may be at the new path.

        Args:
            old_path: Where it is: '/draft.txt', '/drafts'
            new_path: Where it shall be: '/archive/draft.txt', '/published'
        """
        old, new = directory(old_path), directory(new_path)
        files = self._directories.movable(context.files, old, new)
        try:
            count = await files.move(old, new, once=context.idempotency_key)
        except FileTaken as taken:
            raise FileRefused(f"Target already exists: {taken.path}") from None
        return f"Moved successfully: {old} -> {new} ({count} entries)"

    async def _text(self, context: ToolContext, path: str) -> str:
        file = await self._directories.files(context.files, path).read(path)
        if file.size > LARGEST:
            raise FileRefused(f"{path} has {file.size} bytes; only files of up to {LARGEST} are read as text")
        return file.text


def _array(entries: tuple[FileEntry, ...]) -> str:
    """As many entries as there is room for."""
    shown, room = list[str](), ROOM
    for entry in entries:
        text = json.dumps(entry.to_map(), ensure_ascii=False)
        room -= len(text) + 2
        if room < 0:
            break
        shown.append(text)
    more = f"\n\n(Results truncated at {len(shown)} of {len(entries)} files; narrow them down by a pattern)"
    return f"[{', '.join(shown)}]" + (more if len(shown) < len(entries) else "")
