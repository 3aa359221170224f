"""What is known of a file, and how it is kept beside its content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import Field, JsonValue

from sagents.errors import FileRefused
from sagents.file_paths import mime_type
from sagents.frozen import Frozen
from sagents.ports import Blob, BlobInfo

REMEMBERED = 16
"""Changes of a file that are known to have been made; see `Files.edit`."""

LARGEST_CUSTOM = 800
"""Bytes of custom metadata as JSON: object stores take 2 KB in all."""


class FileEntry(Frozen):
    """A file without its content (B-39). Lists know no `created_at`, `sha256` and `custom`: reading the file does."""

    path: str
    size: int
    mime_type: str
    modified_at: datetime
    created_at: datetime | None = None
    sha256: str = ""
    custom: Mapping[str, JsonValue] = Field(default_factory=dict)

    def to_map(self) -> dict[str, JsonValue]:
        """The file as models and people see it in lists."""
        return {
            "path": self.path,
            "mime_type": self.mime_type,
            "size": self.size,
            "modified_at": self.modified_at.isoformat(timespec="seconds"),
        }


class File(FileEntry):
    """A file with its content. `version` is for writing over just this one."""

    data: bytes = b""
    version: str = ""

    @property
    def text(self) -> str:
        """The content as text. Raises `FileRefused` where it is none."""
        return text_of(self.path, self.data)


class Record(Frozen):
    """What is kept beside a content. `digest` tells whether it is about this content: people may change files, too."""

    digest: str
    created_at: datetime
    modified_at: datetime
    custom: Mapping[str, JsonValue] = Field(default_factory=dict)
    made: tuple[str, ...] = ()

    @classmethod
    def of(cls, blob: Blob) -> Record:
        """The record of a stored file, or what can be said of a file that was put there by other means."""
        digest, at = sha256(blob.data).hexdigest(), blob.modified_at
        try:
            record = cls.model_validate_json(blob.metadata["record"])
        except (KeyError, ValueError):
            return cls(digest=digest, created_at=at, modified_at=at)
        return record if record.digest == digest else record.but(digest=digest, modified_at=at, made=())

    def after(self, data: bytes, now: datetime, custom: Mapping[str, Any] | None, key: str) -> Record:
        """The record of the next content: its beginning and what is custom stay (B-39)."""
        made = (*self.made, mark(key))[-REMEMBERED:] if key else self.made
        kept = self.custom if custom is None else checked_custom(custom)
        return self.but(digest=sha256(data).hexdigest(), modified_at=now, custom=kept, made=made)

    def metadata(self) -> dict[str, str]:
        return {"record": self.model_dump_json()}


def text_of(path: str, data: bytes) -> str:
    """A content as text. Raises `FileRefused` where it is none: not UTF-8, or with zero bytes in it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise FileRefused(f"{path} is no text file: {mime_type(path)}, {len(data)} bytes")
    return text


def data_of(content: bytes | str) -> bytes:
    """A content as it is kept. Raises `FileRefused` for a text that has half a character."""
    try:
        return content.encode() if isinstance(content, str) else bytes(content)
    except UnicodeEncodeError as error:
        raise FileRefused(f"The content cannot be encoded: {error.reason} at {error.start}") from None


def mark(key: str) -> str:
    """A short name for a key under which a change is made once."""
    return sha256(key.encode()).hexdigest()[:12] if key else ""


def checked_custom(custom: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Custom metadata as JSON. Raises `FileRefused` where it is none, or too much of it."""
    try:
        text = json.dumps(dict(custom), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FileRefused(f"Custom metadata are JSON: {error}") from None
    if len(text) > LARGEST_CUSTOM:
        raise FileRefused(f"Custom metadata take up to {LARGEST_CUSTOM} bytes as JSON, not {len(text)}")
    found: dict[str, JsonValue] = json.loads(text)
    return found


def stored(path: str, blob: Blob) -> File:
    """The file that a blob is."""
    record = Record.of(blob)
    return File(
        path=path,
        size=len(blob.data),
        mime_type=mime_type(path),
        modified_at=record.modified_at,
        created_at=record.created_at,
        sha256=record.digest,
        custom=record.custom,
        data=blob.data,
        version=blob.version,
    )


def shown(info: BlobInfo) -> FileEntry:
    """The entry of a list."""
    return FileEntry(path=info.path, size=info.size, mime_type=mime_type(info.path), modified_at=info.modified_at)
