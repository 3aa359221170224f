"""Folders opened step by step, so that no name in a path, and no symbolic link, leads out of the first one."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sagents.errors import FileRefused
from sagents.ports import BlobInfo

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CONTENT = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would let us wait for a writer


@contextmanager
def opened(root: Path, names: Sequence[str], *, make: bool = False) -> Iterator[list[int]]:
    """Descriptors of the root and of each folder below it. Raises `FileNotFoundError` where one is missing,

    `NotADirectoryError` where one is a file, `FileRefused` where one is a link. With `make` missing ones are made.
    """
    with ExitStack() as stack:
        folders = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
        stack.callback(os.close, folders[0])
        for name in names:
            folders.append(_inner(folders[-1], name, make))
            stack.callback(os.close, folders[-1])
        yield folders


def read_at(folder: int, name: str) -> tuple[bytes, float] | None:
    """Content and time of a regular file; None where there is none. Raises `FileRefused` for anything else."""
    try:
        descriptor = os.open(name, CONTENT, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(folder, name, error) from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            return None
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused(f"{name} is no regular file")
        return file.read(), status.st_mtime


def prune(folders: Sequence[int], names: Sequence[str]) -> None:
    """Remove folders that have become empty, the innermost first; `names[i]` is the folder in `folders[i]`."""
    with suppress(OSError):  # not empty, or gone already
        for folder, name in reversed(list(zip(folders, names, strict=False))):
            os.rmdir(name, dir_fd=folder)


def drop_empty(folder: int, name: str) -> None:
    """Where a directory has lost all its files its name is free again."""
    with suppress(OSError):
        os.rmdir(name, dir_fd=folder)


def files_in(folder: int, files: list[tuple[str, str]], prefix: str) -> Iterator[BlobInfo]:
    """Of these names in a folder, each with its path, the regular files that may be listed."""
    for path, name in files:
        if not path.startswith(prefix) or not is_text(path):
            continue
        with suppress(FileNotFoundError):  # somebody was faster
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                yield BlobInfo(path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def is_text(name: str) -> bool:
    """Whether a name can be sent anywhere; file systems know others too."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def refused(folder: int, name: str, error: OSError) -> OSError | FileRefused:
    """What to say of a name that cannot be opened as what it was taken for."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return error
    if stat.S_ISLNK(mode):
        return FileRefused(f"{name} is a symbolic link; those are not followed")
    return NotADirectoryError(errno.ENOTDIR, "not a directory", name) if stat.S_ISREG(mode) else error


def _inner(folder: int, name: str, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise refused(folder, name, error) from None
