"""Large payloads in S3, through boto3: the SDK's own driver over a client that works in threads."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from temporalio.contrib.aws.s3driver import S3StorageDriver, S3StorageDriverClient

from sagents.errors import StoreError

T = TypeVar("T")

AT_ONCE = 16
GONE = frozenset({"404", "NoSuchKey", "NotFound"})


class Boto3StorageClient(S3StorageDriverClient):
    """S3 calls of a boto3 client, whose threads are its own: those of the event loop may be full of tools."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="s3 payloads")

    async def put_object(self, *, bucket: str, key: str, data: bytes) -> None:
        await self._in_thread(lambda: self._client.put_object(Bucket=bucket, Key=key, Body=data))

    async def object_exists(self, *, bucket: str, key: str) -> bool:
        """Needs `s3:ListBucket` beside `s3:GetObject`; without it S3 answers 403 where nothing is stored."""
        try:
            await self._in_thread(lambda: self._client.head_object(Bucket=bucket, Key=key))
        except ClientError as error:
            if _code(error) in GONE:
                return False
            raise
        return True

    async def get_object(self, *, bucket: str, key: str) -> bytes:
        def download() -> bytes:
            body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
            return body

        try:
            return await self._in_thread(download)
        except ClientError as error:
            if _code(error) in GONE:
                raise StoreError(
                    f"Payload s3://{bucket}/{key} is missing. The bucket's life cycle has to outlive the longest agent."
                ) from error
            raise

    def describe(self) -> Mapping[str, str]:
        return {"region": str(self._client.meta.region_name), "endpoint": str(self._client.meta.endpoint_url)}

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def s3_driver(bucket: str, *, region: str | None = None, endpoint_url: str | None = None) -> S3StorageDriver:
    """A storage driver over a bucket. Credentials, region and endpoint come from AWS's usual places unless given."""
    config = Config(
        max_pool_connections=AT_ONCE,
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    client = boto3.client("s3", region_name=region, endpoint_url=endpoint_url, config=config)
    return S3StorageDriver(Boto3StorageClient(client), bucket)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
