"""Buckets on a real HTTP peer."""

from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest

from tests.support.aws import KEYS, aws_peer


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    with aws_peer() as url:
        yield url


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, and the environment in which AWS's SDK finds it."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL_S3": s3_url, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name
