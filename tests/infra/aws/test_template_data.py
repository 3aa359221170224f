"""What the stack of `template.yaml` keeps is encrypted, private, and ends or stays on purpose."""

from typing import Any

import pytest

from sagents_infra.stores.dynamodb_schema import EXPIRES, table_of
from tests.infra.aws.templates import (
    IS_PROCESSED,
    NAMES,
    names_in,
    properties,
    resources,
    statements,
    template,
)


def test_every_log_is_encrypted_and_ends() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert len(groups) == len(NAMES) + 1  # the access log of the HTTP API
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"]
        assert names_in(group["Properties"]["KmsKeyId"]) == {"Key"}
    for stage in template()["Mappings"]["Stages"].values():
        assert 0 < int(stage["LogDays"]) <= 365


def test_table_is_the_one_that_the_store_makes_for_itself() -> None:
    ours = {name: value for name, value in table_of("agents").items() if name != "TableName"}
    table = properties("Table")
    assert {name: table[name] for name in ours} == ours
    assert table["TimeToLiveSpecification"] == {"AttributeName": EXPIRES, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert names_in(table["SSESpecification"]) == {"Key"}
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}


@pytest.mark.parametrize("bucket", sorted(resources("AWS::S3::Bucket")))
def test_bucket_is_private_versioned_encrypted_and_by_tls_only(bucket: str) -> None:
    of = properties(bucket)
    assert set(of["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(of["PublicAccessBlockConfiguration"]) == 4
    assert of["VersioningConfiguration"] == {"Status": "Enabled"}
    assert names_in(of["BucketEncryption"]) == {"Key"}
    assert all(rule["Status"] == "Enabled" for rule in of["LifecycleConfiguration"]["Rules"])
    assert _denies_plain_text("AWS::S3::BucketPolicy", bucket, "s3:*")


@pytest.mark.parametrize("queue", sorted(resources("AWS::SQS::Queue")))
def test_queue_is_encrypted_and_by_tls_only(queue: str) -> None:
    assert names_in(properties(queue)["KmsMasterKeyId"]) == {"Key"}
    assert _denies_plain_text("AWS::SQS::QueuePolicy", queue, "sqs:*")


def _denies_plain_text(kind: str, name: str, action: str) -> bool:
    """Whether a policy of the resource refuses whoever comes without TLS."""
    policies = [
        body["Properties"]["PolicyDocument"]
        for body in resources(kind).values()
        if name in names_in([body["Properties"].get("Bucket"), body["Properties"].get("Queues")])
    ]
    plain: Any = {"Bool": {"aws:SecureTransport": "false"}}
    return any(
        (entry["Effect"], entry["Principal"], entry["Action"], entry.get("Condition")) == ("Deny", "*", action, plain)
        for policy in policies
        for entry in statements(policy)
    )


def test_topics_secrets_the_bus_and_what_functions_are_told_are_encrypted_with_our_key() -> None:
    for topic in resources("AWS::SNS::Topic").values():
        assert names_in(topic["Properties"]["KmsMasterKeyId"]) == {"Key"}
    for secret in resources("AWS::SecretsManager::Secret").values():
        assert names_in(secret["Properties"]["KmsKeyId"]) == {"Key"}
    assert names_in(properties("EventBus")["KmsKeyIdentifier"]) == {"Key"}
    assert properties("Key")["EnableKeyRotation"] is True
    told = [properties(name) for name in NAMES] if IS_PROCESSED else [template()["Globals"]["Function"]]
    assert [names_in(function["KmsKeyArn"]) for function in told] == [{"Key"}] * len(told)


def test_what_a_stack_that_is_deleted_leaves_is_what_agents_know() -> None:
    kept = {name for name, body in template()["Resources"].items() if body.get("UpdateReplacePolicy") == "Retain"}
    assert kept == {"Key", "Table", "FilesBucket", "PayloadsBucket"} | set(resources("AWS::Logs::LogGroup"))
