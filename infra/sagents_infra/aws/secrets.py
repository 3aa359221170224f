"""Secrets of AWS Secrets Manager, as the environment that settings are read from."""

import json
import os
from typing import Any

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagents.errors import SagentsError

log = structlog.get_logger()

PATIENCE = Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 3})


def load_secrets() -> None:
    """Put what the secrets of SAGENTS_SECRETS hold into the environment, where a name is not set there yet.

    Each of them is a JSON object of names and values. `NAME/part` stands for a NAME of several parts,
    "part:value,part:value" as SAGENTS_SIGNING_KEYS has it. A secret that nobody has filled yet gives nothing.
    Raises `SagentsError`, which never has a value in its message.
    """
    addresses = [address.strip() for address in os.environ.get("SAGENTS_SECRETS", "").split(",") if address.strip()]
    if not addresses:
        return
    client = boto3.client("secretsmanager", config=PATIENCE)
    held: dict[str, str] = {}
    for address in addresses:
        held.update(_values(address, _text(client, address)))
    for name, value in _joined(held).items():
        if value and not os.environ.get(name):
            os.environ[name] = value


def _text(client: Any, address: str) -> str:
    try:
        text: str = client.get_secret_value(SecretId=address)["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        log.warning("secret is not filled", address=address)  # a field named `secret` is hidden
        return "{}"
    except (BotoCoreError, ClientError) as error:
        raise SagentsError(f"Secret {address} cannot be read: {error}. May this role read it?") from error
    return text


def _values(address: str, text: str) -> dict[str, str]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SagentsError(f'Secret {address} has to be a JSON object of texts, as {{"TEMPORAL_API_KEY": "..."}}.')
    return values


def _joined(held: dict[str, str]) -> dict[str, str]:
    """`{"KEYS/a": "x", "KEYS/b": "y"}` is `{"KEYS": "a:x,b:y"}`, in that order."""
    joined: dict[str, str] = {}
    for full, value in held.items():
        name, slash, part = full.partition("/")
        text = f"{part}:{value}" if slash else value
        joined[name] = f"{joined[name]},{text}" if slash and name in joined else text
    return joined
