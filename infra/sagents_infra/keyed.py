"""Keys with ids as settings write them, and signatures by them. Standard library alone: some have to start at once."""

import hashlib
import hmac
import re
from base64 import b64decode
from collections.abc import Iterator


def entries(text: str) -> Iterator[tuple[str, str, str]]:
    """The ids and secrets of `id:secret,id:secret`; what stands between them is empty where one has no id."""
    for entry in filter(None, (part.strip() for part in re.split(r"[,\n]", text))):
        key_id, colon, secret = (part.strip() for part in entry.partition(":"))
        yield key_id, colon, secret


def decoded(secret: str) -> bytes:
    """A secret's bytes, from base64 of either alphabet. Raises `ValueError`."""
    plain = secret.replace("-", "+").replace("_", "/").rstrip("=")
    return b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def mac(key_id: str, key: bytes, data: bytes) -> str:
    """The signature, by HMAC-SHA256; it covers the key's id."""
    return hmac.new(key, f"{key_id}\n".encode() + data, hashlib.sha256).hexdigest()
