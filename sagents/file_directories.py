"""Which directory of an agent's files belongs to whom, and which ones are only for reading (B-38)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from sagents.errors import FileRefused, InvalidAgent
from sagents.files import FileEntry, Files
from sagents.scopes import ScopeName


@dataclass(frozen=True, kw_only=True)
class FileSystemConfig:
    """What holds for a directory: `FileSystemConfig(base_directory="shared", scope="project", readonly=True)`.

    `base_directory` has no slash at its ends. `default=True` without one is for all paths that no other config has.
    Without a `scope` the files are in the middleware's.
    """

    base_directory: str | None = None
    scope: ScopeName | None = None
    readonly: bool = False
    default: bool = False

    def __post_init__(self) -> None:
        name = self.base_directory
        if self.scope is not None:
            check_scope(self.scope)
        if self.default != (name is None):
            raise InvalidAgent("FileSystemConfig takes either a base_directory or default=True.")
        if name is not None and (not name or name != name.strip("/") or "." in name or "//" in name):
            raise InvalidAgent(f"base_directory is a path without '.' and without '/' at its ends, not {name!r}.")

    def has(self, path: str) -> bool:
        """Whether the path is this directory or in it."""
        return self.default or path == f"/{self.base_directory}" or path.startswith(f"/{self.base_directory}/")


class Directories:
    """The directories of an agent, the deepest one first; what no config names is in the middleware's scope."""

    def __init__(self, scope: ScopeName, configs: Sequence[FileSystemConfig]) -> None:
        names = [config.base_directory for config in configs]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise InvalidAgent(f"Base directory {twice!r} is configured twice.")
        if names.count(None) > 1:
            raise InvalidAgent("Only one FileSystemConfig can be the default.")
        rest = () if None in names else (FileSystemConfig(default=True),)
        self._scope = check_scope(scope)
        self._configs: list[FileSystemConfig] = sorted(
            (*configs, *rest), key=lambda config: -len(config.base_directory or "")
        )

    def at(self, path: str) -> FileSystemConfig:
        """The config that counts for a path: the most specific one."""
        return next(config for config in self._configs if config.has(path))

    def files(self, files: Files, path: str) -> Files:
        """The files among which a path is looked for."""
        return files.of(self._scope_at(path))

    def writable(self, files: Files, path: str, what: str = "write to") -> Files:
        """The same, for changing them. Raises `FileRefused` in a directory that is only for reading."""
        config = self.at(path)
        if config.readonly:
            raise FileRefused(f"Cannot {what} read-only directory: {config.base_directory or '/'}")
        return self.files(files, path)

    def movable(self, files: Files, old: str, new: str) -> Files:
        """The files within which something is moved: those of one config, which is not only for reading (B-42)."""
        self.writable(files, old, "move from")
        self.writable(files, new, "move to")
        below = (f"{old}/", f"{new}/")
        crossing = any(f"/{config.base_directory}".startswith(below) for config in self._configs if not config.default)
        if self.at(old) is not self.at(new) or crossing:
            where = self.at(old).base_directory
            raise FileRefused(
                "Cannot move files across different directories. "
                f"The file can only be moved within {f'/{where}' if where else 'the current directory'}."
            )
        return self.files(files, old)

    async def listed(self, files: Files) -> tuple[FileEntry, ...]:
        """All files of the agent, sorted by path, each from the scope that its directory belongs to."""
        found = dict[str, FileEntry]()
        for scope in dict.fromkeys(config.scope or self._scope for config in self._configs):
            found |= {one.path: one for one in await files.of(scope).list() if self._scope_at(one.path) == scope}
        return tuple(found[path] for path in sorted(found))

    @property
    def readonly(self) -> tuple[str, ...]:
        """The directories that are only for reading."""
        return tuple(f"/{config.base_directory or ''}" for config in self._configs if config.readonly)

    def _scope_at(self, path: str) -> ScopeName:
        return self.at(path).scope or self._scope


def check_scope(scope: ScopeName) -> ScopeName:
    """Raises `InvalidAgent` for what is no scope."""
    if scope not in get_args(ScopeName):
        raise InvalidAgent(f"{scope!r} is no scope of files; there are {', '.join(get_args(ScopeName))}.")
    return scope
