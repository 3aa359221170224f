"""What becomes of a model call that does not work out: one `ModelError`, of the right kind, and no loose ends."""

import asyncio
import socket
from datetime import timedelta

import pytest

from sagents.errors import ModelError, ModelErrorKind
from sagents.messages import Message, ToolResult
from sagents.ports import Delta, ModelRequest
from sagents_infra.models import PydanticAIModel, pydantic_ai
from tests.infra.models.asking import ALL, ANTHROPIC, BEDROCK, OPENAI_CHAT, TALKERS, ask
from tests.infra.models.conftest import point_to
from tests.infra.models.relay import Relay

pytestmark = pytest.mark.asyncio

RETRY, FALL_BACK, FAIL = ModelErrorKind.RETRY, ModelErrorKind.FALL_BACK, ModelErrorKind.FAIL


def silence(model: str) -> Message:
    """What to ask for a reply that begins and then stops coming; for `BEDROCK` see `TALKERS`."""
    return Message.user(f"begin a {'call' if model is BEDROCK else 'text'} and fall silent")


async def error_of(model: str, *messages: Message | str, heard: list[Delta] | None = None) -> ModelError:
    with pytest.raises(ModelError) as raised:
        await ask(model, *messages, heard=heard)
    return raised.value


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FALL_BACK),
        (401, FALL_BACK),
        (403, FALL_BACK),
        (404, FALL_BACK),
        (408, RETRY),
        (409, RETRY),
        (413, FALL_BACK),
        (429, RETRY),
        (500, RETRY),
        (502, RETRY),
        (503, RETRY),
        (529, RETRY),
    ],
)
async def test_a_status_says_what_to_do(model: str, status: int, kind: ModelErrorKind) -> None:
    error = await error_of(model, f"error {status}")
    assert error.kind is kind
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize("model", ALL)
async def test_a_provider_that_asks_for_patience_is_heard(model: str) -> None:
    error = await error_of(model, "error 429")
    assert (error.kind, error.retry_after) == (RETRY, timedelta(seconds=7))


@pytest.mark.parametrize("model", ALL)
async def test_an_sdk_tries_nothing_again_by_itself(model: str, relay: Relay) -> None:
    await error_of(model, "error 503")
    assert len(relay.asked) == 1


@pytest.mark.parametrize("model", TALKERS)
async def test_an_error_says_what_the_provider_said(model: str) -> None:
    assert str(await error_of(model, "error 500")) == "HTTP 500: Out of order."


@pytest.mark.parametrize("model", [OPENAI_CHAT, ANTHROPIC])
async def test_a_conversation_that_is_too_long_asks_for_another_model_or_a_summary(model: str) -> None:
    error = await error_of(model, "far too long")
    assert error.kind is FALL_BACK
    assert "summarize" in str(error)


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("question", ["answer with garbage", "hang up at once"])
async def test_an_answer_that_nobody_can_read_is_asked_for_again(model: str, question: str) -> None:
    assert (await error_of(model, question)).kind is RETRY


async def test_a_stream_that_an_sdk_refuses_is_asked_for_again() -> None:
    """The server's text stream for Bedrock is odd, and botocore's parser says so with an error of its own."""
    assert (await error_of(BEDROCK, "say hello")).kind is RETRY


@pytest.mark.parametrize("model", TALKERS)
async def test_a_stream_that_breaks_in_the_middle_is_asked_for_again(model: str, relay: Relay) -> None:
    heard: list[Delta] = []

    def listen(delta: Delta) -> None:
        heard.append(delta)
        relay.break_line()

    with pytest.raises(ModelError) as raised:
        await PydanticAIModel(model).ask(ModelRequest(messages=(Message.user("go on and on"),)), listen)
    assert raised.value.kind is RETRY
    assert heard[0].text


@pytest.mark.parametrize("model", TALKERS)
async def test_silence_after_a_question_is_asked_again(model: str) -> None:
    assert (await error_of(model, "say nothing")).kind is RETRY


async def test_silence_after_a_tool_is_an_answer() -> None:
    """Models that have nothing to add end with an empty reply; asking again would bring another one."""
    called = Message.assistant(tool_calls=({"call_id": "1", "name": "save"},))
    saved = Message.tool(ToolResult(tool_call_id="1", content="saved"))
    reply = await ask(OPENAI_CHAT, "say nothing", Message.model_validate(called.model_dump()), saved)
    assert reply.text == ""


@pytest.mark.parametrize("model", ALL)
async def test_a_provider_that_is_not_there_is_tried_again(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and never listening
        point_to(f"http://127.0.0.1:{nobody.getsockname()[1]}", monkeypatch)
        assert (await error_of(model, "say hello")).kind is RETRY


@pytest.mark.parametrize("model", ALL)
async def test_a_reply_that_takes_too_long_is_tried_again(model: str) -> None:
    impatient = PydanticAIModel(model, {"request_timeout": 0.3})
    with pytest.raises(ModelError) as raised:
        await impatient.ask(ModelRequest(messages=(silence(model),)), lambda delta: None)
    assert raised.value.kind is RETRY


@pytest.mark.parametrize("model", ALL)
async def test_cancelling_closes_the_connection(model: str, relay: Relay) -> None:
    asking = asyncio.create_task(ask(model, silence(model)))
    await asyncio.wait_for(relay.answering.wait(), 20)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asking, 20)
    await asyncio.wait_for(relay.left.wait(), 20)


async def test_a_cancelled_ask_leaves_its_neighbours_alone(relay: Relay) -> None:
    model = PydanticAIModel(ANTHROPIC)
    leaving = asyncio.create_task(model.ask(ModelRequest(messages=(silence(ANTHROPIC),)), lambda delta: None))
    await asyncio.wait_for(relay.answering.wait(), 20)

    def cancel_the_other(_: Delta) -> None:
        leaving.cancel()

    neighbour = model.ask(ModelRequest(messages=(Message.user("say hello"),)), cancel_the_other)
    assert (await asyncio.wait_for(neighbour, 20)).text == "Hello from the other side of the wire."
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_cancelling_while_the_line_is_being_closed_still_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Reluctant:
        """A provider's model that refuses to work and takes its time to go."""

        def __init__(self) -> None:
            self.leaving, self.may_leave, self.has_left = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def __aenter__(self) -> None: ...

        async def __aexit__(self, *_: object) -> None:
            self.leaving.set()
            await self.may_leave.wait()
            self.has_left.set()

    model = Reluctant()
    monkeypatch.setattr(pydantic_ai, "open_model", lambda name: model)
    asking = asyncio.create_task(ask(ANTHROPIC, "say hello"))
    await asyncio.wait_for(model.leaving.wait(), 20)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    model.may_leave.set()
    await asyncio.wait_for(model.has_left.wait(), 20)
