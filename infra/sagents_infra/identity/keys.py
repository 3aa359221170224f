"""Keys with ids: the first one signs, all of them verify."""

import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import Mapping

from sagents.errors import SagentsError
from sagents_infra import keyed

ENOUGH = 32
"""Bytes of a key: as many as its signatures have."""

KEY_ID = re.compile(r"[A-Za-z0-9._@-]{1,64}")


class KeyRing:
    """A `Signer` by HMAC-SHA256.

    To rotate: put the new key *behind* the old one everywhere (it verifies), then *before* it (it signs), and a day
    later, when no signature of the old key is accepted any more (`sagents.attesting.VALID_FOR`), remove the old one.
    After a theft remove the old one at once: what it had signed is refused then, and people decide once more.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise SagentsError(f"A key ring needs a key. {_FORM}")
        for key_id, key in keys.items():
            _check(key_id, key)
        self._keys = dict(keys)

    @classmethod
    def fresh(cls) -> "KeyRing":
        """A ring with a new key, whose id no other ring has."""
        return cls({f"local-{secrets.token_hex(4)}": secrets.token_bytes(ENOUGH)})

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """The ring that is written so. Raises `SagentsError`, which never has a key in its message."""
        keys: dict[str, bytes] = {}
        for key_id, colon, secret in keyed.entries(text):
            if not colon:
                raise SagentsError(f"A signing key has no id. {_FORM}")
            if key_id in keys:
                raise SagentsError(f"Two signing keys have the id {key_id!r}; each needs its own.")
            keys[key_id] = _decoded(key_id, secret)
        return cls(keys)

    @property
    def text(self) -> str:
        """All keys as `parse` reads them. A secret."""
        return ",".join(f"{key_id}:{b64encode(key).decode()}" for key_id, key in self._keys.items())

    async def sign(self, data: bytes) -> tuple[str, str]:
        key_id = next(iter(self._keys))
        return key_id, self._mac(key_id, data)

    async def verify(self, key_id: str, data: bytes, mac: str) -> bool:
        return key_id in self._keys and hmac.compare_digest(self._mac(key_id, data).encode(), mac.encode())

    async def knows(self, key_id: str) -> bool:
        return key_id in self._keys

    def _mac(self, key_id: str, data: bytes) -> str:
        return keyed.mac(key_id, self._keys[key_id], data)

    def __repr__(self) -> str:
        return f"<KeyRing {', '.join(self._keys)}>"


_FORM = 'Keys are written as "2026-11:<base64>,2026-05:<base64>"; `openssl rand -base64 32` makes one.'


def _decoded(key_id: str, secret: str) -> bytes:
    try:
        return keyed.decoded(secret)
    except ValueError:
        raise SagentsError(f"The signing key {key_id!r} is no base64. {_FORM}") from None


def _check(key_id: str, key: bytes) -> None:
    if not KEY_ID.fullmatch(key_id):
        raise SagentsError(f"A signing key's id has 1 to 64 letters, digits and . _ @ -, not {key_id[:64]!r}. {_FORM}")
    if len(key) < ENOUGH:
        raise SagentsError(f"The signing key {key_id!r} has {len(key)} bytes; {ENOUGH} are needed. {_FORM}")
