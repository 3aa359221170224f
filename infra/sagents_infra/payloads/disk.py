"""Large payloads as files on a local disk, named by what they contain."""

import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from sagents.errors import Damaged, StoreError

A = TypeVar("A")
B = TypeVar("B")

DIGEST = re.compile(r"[0-9a-f]{64}")


class DiskStorageDriver(StorageDriver):
    """A storage driver for one machine: every process that reads a payload needs the same `folder`.

    The same content is one file. It is written anew each time: that mends a file which a power cut left
    incomplete, and its age then tells when it was last wanted.
    """

    def __init__(self, folder: Path | str, driver_name: str = "sagents.disk") -> None:
        self._folder, self._name = Path(folder), driver_name
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="payloads")  # tools may fill the loop's

    def name(self) -> str:
        return self._name

    def type(self) -> str:
        return "sagents.disk"

    async def store(
        self,
        context: StorageDriverStoreContext,  # noqa: ARG002 (the content alone names the file)
        payloads: Sequence[Payload],
    ) -> list[StorageDriverClaim]:
        return await self._in_threads(self._write, payloads)

    async def retrieve(
        self,
        context: StorageDriverRetrieveContext,  # noqa: ARG002 (empty so far)
        claims: Sequence[StorageDriverClaim],
    ) -> list[Payload]:
        return await self._in_threads(self._read, claims)

    async def _in_threads(self, work: Callable[[A], B], items: Sequence[A]) -> list[B]:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(self._threads, work, item) for item in items))

    def _write(self, payload: Payload) -> StorageDriverClaim:
        data = payload.SerializeToString(deterministic=True)
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{digest}.{uuid4().hex}.draft")
        try:
            draft.write_bytes(data)
            os.replace(draft, path)  # readers see all of it or nothing
        finally:
            draft.unlink(missing_ok=True)
        return StorageDriverClaim(claim_data={"hash_algorithm": "sha256", "hash_value": digest})

    def _read(self, claim: StorageDriverClaim) -> Payload:
        digest = claim.claim_data.get("hash_value", "")
        if not DIGEST.fullmatch(digest):
            raise Damaged(f"A payload on disk is named by a SHA-256 digest, not by {digest!r}.")
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise StoreError(
                f"Payload {path} is missing. Was the folder emptied, or does this process use another than the writer?"
            ) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise Damaged(f"Payload {path} is not what was written: its content does not have the digest in its name.")
        return Payload.FromString(data)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:4] / digest
