"""Payloads beside Temporal: what goes in comes out, and what is missing says so (DESIGN 4.5)."""

import asyncio
import os
import threading
from pathlib import Path

import boto3
import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)

from sagents.errors import Damaged, StoreError
from sagents_infra.payloads import THRESHOLD, DiskStorageDriver, data_converter
from sagents_infra.payloads.s3 import s3_driver

MIB = 1024 * 1024


def a_payload(size: int, fill: bytes = b"x") -> Payload:
    return Payload(metadata={"encoding": b"json/plain", "a": b"1", "b": b"2"}, data=fill * size)


async def stored(driver: StorageDriver, *payloads: Payload) -> list[StorageDriverClaim]:
    target = StorageDriverWorkflowInfo(namespace="default", id="conversation-1/../ü", type="AgentWorkflow")
    return await driver.store(StorageDriverStoreContext(target=target), payloads)


async def read(driver: StorageDriver, *claims: StorageDriverClaim) -> list[Payload]:
    return await driver.retrieve(StorageDriverRetrieveContext(), claims)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.asyncio
async def test_payloads_come_back_as_they_were_and_in_order(driver: StorageDriver) -> None:
    payloads = [a_payload(size, b"%d" % (size % 10)) for size in (0, 1, THRESHOLD, 5 * MIB)]
    assert await read(driver, *await stored(driver, *payloads)) == payloads


@pytest.mark.asyncio
async def test_fifty_mebibytes_go_in_and_out(driver: StorageDriver) -> None:
    payload = a_payload(50 * MIB - 100)
    (claim,) = await stored(driver, payload)
    assert await read(driver, claim) == [payload]


@pytest.mark.asyncio
async def test_the_same_content_has_the_same_claim(driver: StorageDriver) -> None:
    first, second = await stored(driver, a_payload(100)), await stored(driver, a_payload(100))
    assert first == second
    assert first != await stored(driver, a_payload(101))


@pytest.mark.asyncio
async def test_many_writers_and_readers_at_once_meet_no_half_written_payload(driver: StorageDriver) -> None:
    payload = a_payload(300_000)
    (claim,) = await stored(driver, payload)

    async def again() -> list[Payload]:
        await stored(driver, payload)
        return await read(driver, claim)

    assert await asyncio.gather(*(again() for _ in range(30))) == [[payload]] * 30


@pytest.mark.asyncio
async def test_threads_that_tools_have_filled_do_not_keep_payloads_waiting(driver: StorageDriver) -> None:
    """The event loop's own threads are where synchronous tools run; a result has to be stored beside them."""
    release = threading.Event()
    busy = [asyncio.ensure_future(asyncio.to_thread(release.wait, 30)) for _ in range((os.cpu_count() or 1) + 8)]
    async with asyncio.timeout(10):
        claims = await stored(driver, a_payload(100))
        assert await read(driver, *claims) == [a_payload(100)]
    release.set()
    await asyncio.gather(*busy)


# On disk


@pytest.mark.asyncio
async def test_the_folder_is_sharded_and_holds_one_file_for_each_content(tmp_path: Path) -> None:
    driver = DiskStorageDriver(tmp_path)
    await stored(driver, a_payload(100))
    (claim,) = await stored(driver, a_payload(100))
    digest = claim.claim_data["hash_value"]
    assert files(tmp_path) == [tmp_path / digest[:2] / digest[2:4] / digest]


@pytest.mark.asyncio
async def test_a_payload_missing_on_disk_says_where_it_was_looked_for(tmp_path: Path) -> None:
    driver = DiskStorageDriver(tmp_path)
    (claim,) = await stored(driver, a_payload(100))
    files(tmp_path)[0].unlink()
    with pytest.raises(StoreError, match=f"Payload {tmp_path}.* is missing") as missing:
        await read(driver, claim)
    assert not isinstance(missing.value, Damaged)


@pytest.mark.asyncio
async def test_a_changed_file_is_damaged_and_storing_the_content_again_mends_it(tmp_path: Path) -> None:
    driver = DiskStorageDriver(tmp_path)
    (claim,) = await stored(driver, a_payload(100))
    files(tmp_path)[0].write_bytes(b"")  # as a power cut leaves it
    with pytest.raises(Damaged, match="not what was written"):
        await read(driver, claim)
    await stored(driver, a_payload(100))
    assert await read(driver, claim) == [a_payload(100)]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "\n", "..\0"])
@pytest.mark.asyncio
async def test_a_claim_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(Damaged, match="named by a SHA-256 digest"):
        await read(DiskStorageDriver(tmp_path), StorageDriverClaim(claim_data={"hash_value": name}))


@pytest.mark.asyncio
async def test_a_disk_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    driver = DiskStorageDriver(tmp_path)
    (claim,) = await stored(driver, a_payload(100))
    place = files(tmp_path)[0]
    place.unlink()
    place.mkdir()
    with pytest.raises(OSError, match=claim.claim_data["hash_value"]):
        await stored(driver, a_payload(100))
    assert files(tmp_path) == []


# In S3


@pytest.mark.asyncio
async def test_an_object_missing_in_s3_says_bucket_key_and_endpoint(bucket: str, s3_url: str) -> None:
    driver = s3_driver(bucket)
    (claim,) = await stored(driver, a_payload(100))
    boto3.client("s3").delete_object(Bucket=bucket, Key=claim.claim_data["key"])
    with pytest.raises(RuntimeError, match=f"bucket={bucket}, key=v0/.*endpoint={s3_url}") as failed:
        await read(driver, claim)
    assert isinstance(failed.value.__cause__, StoreError)
    assert "The bucket's life cycle has to outlive the longest agent" in str(failed.value.__cause__)


@pytest.mark.asyncio
async def test_a_bucket_that_is_not_there_says_so(bucket: str) -> None:
    with pytest.raises(RuntimeError, match=r"store failed \[bucket=no-such-bucket") as failed:
        await stored(s3_driver("no-such-bucket"), a_payload(100))
    assert "NoSuchBucket" in str(failed.value.__cause__)


# The converter


@pytest.mark.asyncio
async def test_payloads_from_32_kib_on_leave_history(driver: StorageDriver) -> None:
    converter = data_converter(driver)
    small, large = await converter.encode(["x" * (THRESHOLD - 100), "x" * THRESHOLD])
    assert small.metadata["encoding"] == b"json/plain"
    assert large.ByteSize() < 1024
    assert await converter.decode([small, large]) == ["x" * (THRESHOLD - 100), "x" * THRESHOLD]


@pytest.mark.asyncio
async def test_without_storage_everything_stays_inline() -> None:
    (payload,) = await data_converter().encode(["x" * MIB])
    assert payload.ByteSize() > MIB


@pytest.mark.asyncio
async def test_a_storage_that_was_left_can_still_be_read(tmp_path: Path) -> None:
    old, new = DiskStorageDriver(tmp_path / "old", "old"), DiskStorageDriver(tmp_path / "new", "new")
    payloads = await data_converter(old).encode(["x" * MIB])
    moved = data_converter(new, old)
    assert await moved.decode(payloads) == ["x" * MIB]
    await moved.encode(["y" * MIB])
    assert [len(files(tmp_path / name)) for name in ("old", "new")] == [1, 1]
