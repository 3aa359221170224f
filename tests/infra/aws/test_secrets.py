"""Secrets become the environment of a function, on a real HTTP peer."""

import json
import os
from uuid import uuid4

import boto3
import pytest

from sagents.errors import SagentsError
from sagents_infra.aws.secrets import load_secrets
from sagents_infra.settings import Settings
from sagents_infra.wiring import signing_keys
from tests.support.aws import KEYS

NAMES = ("TEMPORAL_API_KEY", "SAGENTS_SIGNING_KEYS", "ANTHROPIC_API_KEY")


@pytest.fixture
def keep(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> "Keep":
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": s3_url, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that what is loaded goes with the test
    return Keep(uuid4().hex, monkeypatch)


class Keep:
    """Makes secrets and names them to the function under test."""

    def __init__(self, prefix: str, patch: pytest.MonkeyPatch) -> None:
        self._prefix, self._patch, self._made = prefix, patch, list[str]()
        self._client = boto3.client("secretsmanager")

    def secret(self, text: str | None) -> str:
        filled = {} if text is None else {"SecretString": text}
        made = self._client.create_secret(Name=f"{self._prefix}-{len(self._made)}", **filled)
        self._made.append(str(made["ARN"]))
        self._patch.setenv("SAGENTS_SECRETS", ", ".join(self._made))
        return self._made[-1]


def test_values_of_all_secrets_stand_in_the_environment(keep: Keep) -> None:
    keep.secret(json.dumps({"TEMPORAL_API_KEY": "t-1"}))
    keep.secret(json.dumps({"ANTHROPIC_API_KEY": "a-1"}))
    load_secrets()
    assert (os.environ["TEMPORAL_API_KEY"], os.environ["ANTHROPIC_API_KEY"]) == ("t-1", "a-1")


def test_what_the_environment_says_already_stays(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "mine")
    keep.secret(json.dumps({"TEMPORAL_API_KEY": "t-1"}))
    load_secrets()
    assert os.environ["TEMPORAL_API_KEY"] == "mine"


@pytest.mark.asyncio
async def test_key_that_the_template_makes_signs(keep: Keep) -> None:
    keep.secret(json.dumps({"SAGENTS_SIGNING_KEYS/first": "A1b2" * 16}))
    load_secrets()
    key_id, _ = await signing_keys(Settings()).sign(b"data")
    assert key_id == "first"


def test_keys_keep_their_order_because_the_first_one_signs(keep: Keep) -> None:
    keep.secret(json.dumps({"SAGENTS_SIGNING_KEYS/second": "B" * 44, "SAGENTS_SIGNING_KEYS/first": "A" * 44}))
    load_secrets()
    assert os.environ["SAGENTS_SIGNING_KEYS"] == f"second:{'B' * 44},first:{'A' * 44}"


def test_secret_that_nobody_has_filled_gives_nothing(keep: Keep) -> None:
    keep.secret(None)
    load_secrets()
    assert os.environ["TEMPORAL_API_KEY"] == ""


@pytest.mark.parametrize("text", ["hush-hush", '["hush-hush"]', '{"A": {"b": "hush-hush"}}'])
def test_secret_of_another_shape_is_refused_by_its_name_and_without_its_value(keep: Keep, text: str) -> None:
    address = keep.secret(text)
    with pytest.raises(SagentsError) as refused:
        load_secrets()
    assert address in str(refused.value)
    assert "hush-hush" not in str(refused.value)


def test_without_secrets_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGENTS_SECRETS", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    load_secrets()
