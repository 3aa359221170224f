"""The keys of one machine: a file that its processes share, made by whichever comes first."""

import os
import secrets
from pathlib import Path

import structlog

from sagents.errors import SagentsError
from sagents_infra.identity.keys import KeyRing

log = structlog.get_logger(__name__)

OTHERS = 0o077
"""The rights of everybody but the owner."""


def keys_in(path: Path) -> KeyRing:
    """The ring that is kept in this file; a new one where there is none. Only its owner may read it.

    Raises `SagentsError` where the file cannot be read or made, or holds no keys.
    """
    try:
        if not path.exists():
            _make(path)
        if os.name == "posix" and path.stat().st_mode & OTHERS:
            log.warning("others may read the signing keys", path=str(path), mend=f"chmod 600 {path}")
        return KeyRing.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SagentsError(f"The signing keys in {path} are out of reach: {error}. {_INSTEAD}") from error
    except SagentsError as error:
        raise SagentsError(f"{path} holds no signing keys: {error} {_INSTEAD}") from error


_INSTEAD = "SAGENTS_SIGNING_KEYS gives keys without a file."


def _make(path: Path) -> None:
    """Write the whole file beside its place, then give it its name unless there is one: nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(KeyRing.fresh().text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first
    finally:
        draft.unlink(missing_ok=True)
