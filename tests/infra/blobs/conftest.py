"""Storage for files: memory, a folder, and a bucket on a real HTTP peer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import boto3
import moto.moto_server.threaded_moto_server as moto_server
import pytest
from werkzeug import serving

from sagents.memory_blobs import MemoryBlobs
from sagents.ports import Blobs
from sagents_infra.blobs import DiskBlobs
from sagents_infra.blobs.s3 import s3_blobs


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """moto looks whether a condition holds, then writes; one request at a time makes the two one, as in S3."""
    serve = serving.make_server
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            moto_server,
            "make_server",
            lambda host, port, app, *rest, **more: serve(host, port, alone(app), *rest, **more),
        )
        server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def alone(app: Callable[..., Any]) -> Callable[..., Any]:
    lock = Lock()

    def call(environ: Any, start_response: Any) -> Any:
        with lock:
            return app(environ, start_response)

    return call


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, and the environment in which AWS's SDK finds it."""
    for name, value in {
        "AWS_ENDPOINT_URL_S3": s3_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    name = f"files-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["memory", "disk", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "memory":
        return MemoryBlobs()
    if request.param == "disk":
        return DiskBlobs(tmp_path / "files")
    return s3_blobs(f"{request.getfixturevalue('bucket')}/some/prefix")
