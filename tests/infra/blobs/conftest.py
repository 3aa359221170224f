"""Storage for files: memory, a folder, and a bucket on a real HTTP peer."""

from pathlib import Path

import pytest

from sagents.memory_blobs import MemoryBlobs
from sagents.ports import Blobs
from sagents_infra.blobs import DiskBlobs
from sagents_infra.blobs.s3 import s3_blobs


@pytest.fixture(params=["memory", "disk", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "memory":
        return MemoryBlobs()
    if request.param == "disk":
        return DiskBlobs(tmp_path / "files")
    return s3_blobs(f"{request.getfixturevalue('bucket')}/some/prefix")
