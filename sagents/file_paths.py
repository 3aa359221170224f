"""Which texts are paths of files, and what a path says of its file (B-36, B-39)."""

from __future__ import annotations

import mimetypes
import re

from sagents.errors import FileRefused

LONGEST = 700
"""Bytes of a path: with its scope it has to fit into the 1,024 of an S3 key."""

LONGEST_NAME = 200
"""Bytes between two slashes: file systems take 255."""

USUAL_TYPE = "text/markdown"
OWN_TYPES = {
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".toml": "application/toml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_TYPES = mimetypes.MimeTypes()  # those that Python brings, the same on every machine
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def checked(path: object) -> str:
    """The path in its one spelling. Raises `FileRefused`, whose text is for the model, where it is none."""
    if not isinstance(path, str):
        raise FileRefused("Path must be a string")
    if not path.strip():
        raise FileRefused("Path cannot be empty")
    if path.startswith("~"):
        raise FileRefused("Home directory paths starting with '~' are not allowed")
    if not path.startswith("/"):
        raise FileRefused("Path must start with '/' (e.g., '/notes.txt', '/data/file.csv')")
    if ".." in path:
        raise FileRefused("Path traversal with '..' is not allowed")
    return _named(re.sub(r"/+", "/", path.replace("\\", "/")))


def directory(path: object) -> str:
    """The path of what may be a directory: a slash at its end says nothing."""
    return checked(path.rstrip("/\\") if isinstance(path, str) and path.strip("/\\ ") else path)


def mime_type(path: str) -> str:
    """What the name of a file says it is; text/markdown where it says nothing."""
    ending = re.search(r"\.[^./]+$", path.lower())
    own = OWN_TYPES.get(ending[0]) if ending else None
    return own or _TYPES.guess_type(f"file:{path}")[0] or USUAL_TYPE


def _named(path: str) -> str:
    for name in path.split("/")[1:]:
        if not name or name == "." or name != name.strip() or _CONTROL.search(name):
            raise FileRefused(
                f"Path contains invalid segment {name!r}: a name is not empty, not '.', has no control characters "
                "and no spaces around it"
            )
        if len(_bytes(name)) > LONGEST_NAME:
            raise FileRefused(f"Path contains a segment of more than {LONGEST_NAME} bytes")
    if len(_bytes(path)) > LONGEST:
        raise FileRefused(f"Path is longer than {LONGEST} bytes")
    return path


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FileRefused("Path contains characters that cannot be encoded") from None
