"""From a name to a provider's model: the SDK is imported, the key is read, the SDK's retries are turned off."""

import re
from importlib import metadata
from typing import Any, cast

from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model as ProviderModel
from pydantic_ai.models import infer_model
from pydantic_ai.providers import Provider, infer_provider
from pydantic_ai.settings import ModelSettings

from sagents.errors import ModelError

_REMEMBERS = ("openai", "openai-responses", "azure-responses")
"""Providers that keep replies, to be referred to by id."""


def split(name: str) -> tuple[str, str]:
    """Provider and model of a name."""
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise ModelError(f"{name!r} names no model; a name looks like 'anthropic:claude-sonnet-5-5'.")
    return provider, model


def open_model(name: str) -> ProviderModel[Any]:
    """The provider's model, ready to be asked. Blocks while its SDK is imported."""
    provider, _ = split(name)
    try:
        return infer_model(name, provider_factory=_bedrock if provider == "bedrock" else infer_provider)
    except ImportError as error:
        raise ModelError(_not_installed(provider, error)) from error
    except UserError as error:
        raise ModelError(_not_configured(error)) from error


def settings_for(name: str, model: ProviderModel[Any], settings: ModelSettings | None) -> ModelSettings:
    """The user's settings over ours."""
    ours: dict[str, Any] = {"framing_announcement": "when_needed"}  # a system prompt goes out as its author wrote it
    if "max_retries" not in model.unsupported_settings:
        ours["max_retries"] = 0
    if split(name)[0] in _REMEMBERS:
        # What they keep is gone after 30 days and an agent may wait longer: reasoning comes sealed and goes back whole.
        ours["openai_store"] = False
    return cast(ModelSettings, {**ours, **(settings or {})})


def _bedrock(_: str) -> Provider[Any]:
    """Bedrock by boto3, configured the way everything on AWS is; asked once per call."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError
    from pydantic_ai.providers.bedrock import BedrockProvider

    config = Config(read_timeout=300, connect_timeout=10, retries={"total_max_attempts": 1})
    try:
        return BedrockProvider(bedrock_client=boto3.Session().client("bedrock-runtime", config=config))
    except NoRegionError as error:
        raise UserError("Set `AWS_DEFAULT_REGION`.") from error


def _not_installed(provider: str, error: ImportError) -> str:
    """Which extra brings the SDK: ours where we have one of that name, else Pydantic AI's."""
    wanted = re.search(r"pydantic-ai-slim\[([\w-]+)\]", str(error))
    extra = wanted.group(1) if wanted else provider
    try:
        ours = metadata.metadata("sagents").get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        ours = [extra]
    package = "sagents" if extra in ours else "pydantic-ai-slim"
    return f"The SDK of {provider!r} is not installed; install {package}[{extra}]: pip install '{package}[{extra}]'."


def _not_configured(error: UserError) -> str:
    """Which environment variables are missing, where Pydantic AI says so; else what it says."""
    variables = dict.fromkeys(re.findall(r"`([A-Z][A-Z0-9_]{3,})`", str(error)))
    if variables:
        return f"Something is missing in the worker's environment; set {' or '.join(variables)}."
    return str(error)
