"""Storage for payloads: a folder, and a bucket on a real HTTP peer."""

from pathlib import Path

import pytest
from temporalio.converter import StorageDriver

from sagents_infra.payloads import DiskStorageDriver
from sagents_infra.payloads.s3 import s3_driver


@pytest.fixture(params=["disk", "s3"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> StorageDriver:
    if request.param == "disk":
        return DiskStorageDriver(tmp_path / "payloads")
    return s3_driver(request.getfixturevalue("bucket"))
