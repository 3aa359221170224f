"""Files as objects of a bucket, by boto3. A version is an ETag; writes name it in `If-Match` or `If-None-Match`."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagents.errors import FileChanged, StoreUnavailable
from sagents.file_paths import mime_type
from sagents.ports import Blob, BlobInfo
from sagents.scopes import Scope

T = TypeVar("T")

AT_ONCE = 16
GONE = frozenset({"404", "NoSuchKey", "NotFound"})
CHANGED = frozenset({"412", "PreconditionFailed", "ConditionalRequestConflict"})
OURS, WRITE = "sagents-", "write"


class S3Blobs:
    """A `Blobs` in a bucket, under a prefix. Needs `s3:GetObject`, `PutObject`, `DeleteObject` and `ListBucket`."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client, self._bucket = client, bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="s3 files")

    async def get(self, scope: Scope, path: str) -> Blob | None:
        return await self._in_thread(path, lambda: self._get(self._key(scope, path)))

    async def put(self, scope: Scope, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        key = self._key(scope, path)
        return await self._in_thread(path, lambda: self._put(key, path, data, metadata, expected))

    async def delete(self, scope: Scope, path: str, expected: str | None = None) -> bool:
        return await self._in_thread(path, lambda: self._delete(self._key(scope, path), path, expected))

    async def listed(self, scope: Scope, prefix: str = "/") -> tuple[BlobInfo, ...]:
        infos = await self._in_thread(prefix, lambda: list(self._list(scope, prefix)))
        return tuple(sorted(infos, key=lambda info: info.path))

    async def clear(self, scope: Scope) -> None:
        def clear() -> None:
            for page in self._pages(self._key(scope, "/")):
                if keys := [{"Key": found["Key"]} for found in page.get("Contents", ())]:
                    answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
                    for problem in answer.get("Errors", ()):
                        raise StoreUnavailable(f"s3://{self._bucket}/{problem['Key']}: {problem['Message']}")

        await self._in_thread(str(scope), clear)

    async def _in_thread(self, path: str, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (BotoCoreError, ClientError) as error:
            if _code(error) in CHANGED:
                raise FileChanged(path) from error
            raise StoreUnavailable(f"s3://{self._bucket}/{self._prefix}: {path}: {error}") from error

    def _get(self, key: str) -> Blob | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) in GONE:
                return None
            raise
        return Blob(found["Body"].read(), found["ETag"], found["LastModified"], _metadata(found["Metadata"]))

    def _put(self, key: str, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        write = uuid4().hex
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=mime_type(path),
                Metadata={WRITE: write, **_headers(metadata)},
                **condition,
            )
            return str(answer["ETag"])
        except ClientError as error:
            if _code(error) in CHANGED and (written := self._written(key, write)):
                return written  # the answer to the first try was lost, and the SDK has tried again
            if _code(error) in GONE:  # nothing is there that could match
                raise FileChanged(path) from error
            raise

    def _written(self, key: str, write: str) -> str | None:
        """The version of an object, if it is that of this write."""
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError:
            return None
        return str(found["ETag"]) if found["Metadata"].get(WRITE) == write else None

    def _delete(self, key: str, path: str, expected: str | None) -> bool:
        try:
            etag = self._client.head_object(Bucket=self._bucket, Key=key)["ETag"]
        except ClientError as error:
            if _code(error) not in GONE:
                raise
            etag = None
        if expected is not None and etag != expected:
            raise FileChanged(path)
        if etag is None:
            return False
        condition = {} if expected is None else {"IfMatch": expected}
        self._client.delete_object(Bucket=self._bucket, Key=key, **condition)
        return True

    def _list(self, scope: Scope, prefix: str) -> Iterator[BlobInfo]:
        root = self._key(scope, "")
        for page in self._pages(root + prefix):
            for found in page.get("Contents", ()):
                at: datetime = found["LastModified"]
                yield BlobInfo(found["Key"].removeprefix(root), found["Size"], at.astimezone(UTC))

    def _pages(self, prefix: str) -> Iterator[Any]:
        yield from self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)

    def _key(self, scope: Scope, path: str) -> str:
        return f"{self._prefix}{scope.key}{path}"


def s3_blobs(place: str, *, region: str | None = None, endpoint_url: str | None = None) -> S3Blobs:
    """Files in `bucket/prefix`. Credentials, region and endpoint come from AWS's usual places unless given."""
    bucket, _, prefix = place.partition("/")
    config = Config(
        max_pool_connections=AT_ONCE,
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    return S3Blobs(boto3.client("s3", region_name=region, endpoint_url=endpoint_url, config=config), bucket, prefix)


def _headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as headers can carry them."""
    return {OURS + name: b64encode(text.encode()).decode() for name, text in metadata.items()}


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """What `_headers` made; an object that others have put there has none."""
    ours = {name: text for name, text in headers.items() if name.startswith(OURS)}
    return {name.removeprefix(OURS): b64decode(text).decode() for name, text in ours.items()}


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
