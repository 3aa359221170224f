"""Keys of AWS KMS (HMAC_256), which never leave it: who may sign is a matter of IAM. Imports boto3.

A signature costs a request, so does each check; a worker checks one for each signed decision.
"""

import asyncio
import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagents.errors import CannotAnswer, InvalidInput

SCHEME = "kms://"
SHAPE = f"{SCHEME}alias/NAME?region=REGION, or {SCHEME}KEY-ID, or {SCHEME}ARN"
ALGORITHM = "HMAC_SHA_256"
PATIENCE = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})
WRONG = ("KMSInvalidMacException",)


class KmsSigner:
    """A `Signer` by KMS. The first key signs, all of them verify; their names are the ids of the keys.

    An id has to go on meaning the same key: who rotates makes a new key and puts its name in front.
    Raises `CannotAnswer` where KMS is out of reach or refuses us: that says nothing about a signature.
    """

    def __init__(self, client: Any, keys: Sequence[str]) -> None:
        if not keys:
            raise InvalidInput(f"A key of KMS has a name: {SHAPE}.")
        self._client, self._keys = client, tuple(keys)

    async def sign(self, data: bytes) -> tuple[str, str]:
        key = self._keys[0]
        made = await self._ask("generate_mac", key, data)
        return key, b64encode(made["Mac"]).decode()

    async def verify(self, key_id: str, data: bytes, mac: str) -> bool:
        if key_id not in self._keys:
            return False
        try:
            given = b64decode(mac, validate=True)
        except (binascii.Error, ValueError):
            return False
        if not given:
            return False
        try:
            return bool((await self._ask("verify_mac", key_id, data, Mac=given))["MacValid"])
        except _WrongMac:
            return False

    async def knows(self, key_id: str) -> bool:
        return key_id in self._keys

    async def _ask(self, what: str, key: str, data: bytes, **more: Any) -> dict[str, Any]:
        call = getattr(self._client, what)
        try:
            answer: dict[str, Any] = await asyncio.to_thread(
                call, KeyId=key, Message=_message(key, data), MacAlgorithm=ALGORITHM, **more
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in WRONG:
                raise _WrongMac from None
            raise CannotAnswer(f"AWS KMS does not let us use the key {key}: {error}.") from error
        except BotoCoreError as error:
            raise CannotAnswer(f"AWS KMS is out of reach: {error}.") from error
        return answer

    def __repr__(self) -> str:
        return f"<KmsSigner {', '.join(self._keys)}>"


def kms_signer(text: str) -> KmsSigner:
    """The signer that is written so, `kms://…` with commas between. Raises `InvalidInput` for what is none."""
    places = [urlsplit(part.strip()) for part in text.split(",") if part.strip()]
    options = [parse_qs(place.query) for place in places]
    keys = [f"{place.netloc}{place.path}" for place in places]
    if not all(keys) or any(place.scheme != "kms" for place in places) or any({*one} - _OPTIONS for one in options):
        raise InvalidInput(f"SAGENTS_SIGNING_KEYS: {text!r} are no keys of KMS; each looks like {SHAPE}.")
    first = options[0]
    region, endpoint = first.get("region", [None])[0], first.get("endpoint", [None])[0]
    return KmsSigner(boto3.client("kms", region_name=region, endpoint_url=endpoint, config=PATIENCE), keys)


_OPTIONS = {"region", "endpoint"}


class _WrongMac(Exception):
    """KMS says that the signature is another one."""


def _message(key: str, data: bytes) -> bytes:
    """KMS takes 4 KiB: what is signed is the digest, with the key's name, as `KeyRing` has it."""
    return b"sagents kms 1\n" + hashlib.sha256(f"{key}\n".encode() + data).hexdigest().encode()
