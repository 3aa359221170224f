"""Files in S3: pages, answers that get lost, and what an operator can mend."""

import asyncio
import socket
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sagents import FileChanged, Files
from sagents.errors import StoreUnavailable
from sagents.scopes import Scope
from sagents_infra.blobs.s3 import S3Blobs, s3_blobs

MINE = Scope(id="me")

pytestmark = pytest.mark.asyncio


async def test_an_object_is_where_people_look_for_it_with_its_type(bucket: str) -> None:
    await s3_blobs(f"{bucket}/team/files/").put(Scope(id="c-1", tenant="acme"), "/a/notes.json", b"{}", {}, None)
    found = boto3.client("s3").get_object(Bucket=bucket, Key="team/files/tenants/acme/agent/c-1/a/notes.json")
    assert (found["Body"].read(), found["ContentType"]) == (b"{}", "application/json")


async def test_an_object_that_people_put_there_is_listed_and_read(bucket: str) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="agent/me/b.md", Body=b"put there")
    files = Files(s3_blobs(bucket), "me")
    assert [(entry.path, entry.size) for entry in await files.list()] == [("/b.md", 9)]
    assert (await files.read("/b.md")).text == "put there"
    await files.edit("/b.md", bytes.upper)
    assert (await files.read("/b.md")).text == "PUT THERE"


async def test_more_files_than_a_page_are_listed_and_cleared(bucket: str) -> None:
    blobs = s3_blobs(bucket)
    await asyncio.gather(*(blobs.put(MINE, f"/{n:04}", b"", {}, None) for n in range(1_001)))
    assert len(await blobs.listed(MINE)) == 1_001
    await blobs.clear(MINE)
    assert await blobs.listed(MINE) == ()


class LosesAnswers:
    """A client whose first write reaches the bucket, but whose answer is lost: the SDK tries again and is refused."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put_object(self, **arguments: Any) -> Any:
        self._client.put_object(**arguments)
        return self._client.put_object(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


async def test_a_write_whose_answer_was_lost_counts_once(bucket: str) -> None:
    blobs = S3Blobs(LosesAnswers(boto3.client("s3")), bucket)
    version = await blobs.put(MINE, "/file", b"1", {}, None)
    second = await blobs.put(MINE, "/file", b"2", {}, version)
    blob = await blobs.get(MINE, "/file")
    assert blob is not None
    assert (blob.data, blob.version) == (b"2", second)
    with pytest.raises(FileChanged):
        await blobs.put(MINE, "/file", b"3", {}, version)


async def test_a_conflict_of_writes_at_the_same_moment_is_a_change(bucket: str) -> None:
    """S3 answers 409 where two conditional writes meet."""

    class Meets(LosesAnswers):
        def put_object(self, **arguments: Any) -> Any:
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")

    with pytest.raises(FileChanged):
        await S3Blobs(Meets(boto3.client("s3")), bucket).put(MINE, "/file", b"1", {}, None)


async def test_storage_out_of_reach_or_without_its_bucket_says_where_it_was_looked_for(bucket: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"s3://no-such-bucket/.*NoSuchBucket"):
        await s3_blobs("no-such-bucket").listed(MINE)
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        await s3_blobs("no-such-bucket").get(MINE, "/file")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = s3_blobs(bucket, endpoint_url=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(StoreUnavailable, match="Could not connect"):
            await away.put(MINE, "/file", b"", {}, None)
