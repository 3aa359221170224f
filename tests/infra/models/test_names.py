"""From names to models: what is missing is said by name, and nothing is looked for too early."""

import sys
from email.message import EmailMessage
from importlib import metadata

import pytest

from sagents.errors import ModelError, ModelErrorKind
from sagents.messages import Message
from sagents.ports import Model, ModelRequest
from sagents_infra.models import PydanticAIModel, resolve
from tests.infra.models.asking import ANTHROPIC, BEDROCK, GOOGLE, OPENAI, ask


async def error_of(model: str) -> ModelError:
    with pytest.raises(ModelError) as raised:
        await ask(model, "say hello")
    assert raised.value.kind is ModelErrorKind.FAIL
    return raised.value


def test_a_model_keeps_its_name() -> None:
    model: Model = resolve(ANTHROPIC)
    assert model.name == ANTHROPIC


@pytest.mark.parametrize("name", ["", "gpt-5", "openai:", ":gpt-5"])
def test_a_name_that_names_no_model_is_refused_at_once(name: str) -> None:
    with pytest.raises(ModelError, match=r"names no model; a name looks like 'anthropic:"):
        resolve(name)


@pytest.mark.asyncio
async def test_an_unknown_provider_is_said_to_be_unknown() -> None:
    assert "Unknown model: antropic:claude-sonnet-5-5" in str(await error_of("antropic:claude-sonnet-5-5"))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("model", "missing"),
    [
        (ANTHROPIC, "ANTHROPIC_API_KEY"),
        (GOOGLE, "GOOGLE_API_KEY"),
        (OPENAI, "OPENAI_API_KEY"),
        ("deepseek:deepseek-chat", "DEEPSEEK_API_KEY"),
    ],
)
async def test_a_missing_key_is_named(model: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (missing, "OPENAI_BASE_URL"):  # an address of one's own may need no key
        monkeypatch.delenv(name, raising=False)
    assert missing in str(await error_of(model))


@pytest.mark.asyncio
async def test_bedrock_says_that_it_lacks_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    assert "AWS_DEFAULT_REGION" in str(await error_of(BEDROCK))


@pytest.mark.asyncio
async def test_bedrock_says_that_it_lacks_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "credentials" in str(await error_of(BEDROCK))


@pytest.mark.asyncio
@pytest.mark.parametrize("extra", ["anthropic", "google", "openai"])
async def test_a_missing_sdk_names_the_extra_that_brings_it(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = "google.genai" if extra == "google" else extra
    for module in list(sys.modules):
        if module.startswith((f"{package}.", f"pydantic_ai.models.{extra}", f"pydantic_ai.providers.{extra}")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    assert f"install sagents[{extra}]" in str(await error_of(f"{extra}:some-model"))


@pytest.mark.asyncio
async def test_an_sdk_without_an_extra_of_ours_comes_with_pydantic_ai(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = EmailMessage()
    ours["Provides-Extra"] = "openai"
    monkeypatch.setattr(metadata, "metadata", lambda name: ours)
    monkeypatch.setitem(sys.modules, "cohere", None)
    assert "install pydantic-ai-slim[cohere]" in str(await error_of("cohere:command-r"))


@pytest.mark.asyncio
async def test_a_key_is_read_when_the_model_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    model = PydanticAIModel(ANTHROPIC)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "new")
    request = ModelRequest(messages=(Message.user("say hello"),))
    assert (await model.ask(request, lambda delta: None)).text
