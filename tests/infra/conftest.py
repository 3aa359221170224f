"""Buckets and tables on real HTTP peers."""

from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest

from sagents_infra.stores.dynamodb import dynamodb_client
from sagents_infra.stores.dynamodb_schema import ensure_table
from tests.infra.stores import dynamodb_servers
from tests.support.aws import KEYS, aws_peer
from tests.support.tables import Place


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


@pytest.fixture(scope="session")
def tables_url() -> Iterator[str]:
    yield from dynamodb_servers.serve()


@pytest.fixture
def place(tables_url: str) -> Iterator[Place]:
    """A new table as the store on DynamoDB has it."""
    with dynamodb_servers.credentials():
        found = Place(dynamodb_client("us-east-1", tables_url), f"agents-{uuid4().hex}", tables_url)
        ensure_table(found.client, found.table)
        yield found
