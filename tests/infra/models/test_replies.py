"""What models say, over real HTTP: streamed, whole, and fit to go back with the next request."""

import asyncio
import base64
import threading
from contextlib import suppress
from typing import Any

import pytest

from sagents.errors import ModelError
from sagents.messages import ContentPart, Message, MessageStatus, PartType, ToolResult
from sagents.ports import Delta, ToolSpec
from tests.infra.models.asking import ALL, ANTHROPIC, BEDROCK, GOOGLE, OPENAI, OPENAI_CHAT, TALKERS, ask, kept
from tests.infra.models.relay import Relay

pytestmark = [
    pytest.mark.asyncio,
    # The server's own word for the end of a Gemini reply with calls; Gemini itself says STOP.
    pytest.mark.filterwarnings("ignore:FUNCTION_CALL is not a valid FinishReason"),
]

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


@pytest.mark.parametrize("model", TALKERS)
async def test_text_arrives_in_pieces_that_add_up_to_the_reply(model: str) -> None:
    heard: list[Delta] = []
    reply = await ask(model, "say hello", heard=heard)
    assert reply.text == "Hello from the other side of the wire."
    assert len(heard) > 1
    assert "".join(delta.text for delta in heard) == reply.text
    assert reply.status is MessageStatus.COMPLETE


@pytest.mark.parametrize("model", TALKERS)
async def test_tokens_are_counted_as_the_provider_counts_them(model: str) -> None:
    usage = (await ask(model, "say hello")).usage
    assert usage is not None
    assert (usage.input, usage.output) == (11, 7)


@pytest.mark.parametrize("model", ALL)
async def test_calls_come_with_their_arguments_as_an_object(model: str, get_weather: ToolSpec) -> None:
    heard: list[Delta] = []
    reply = await ask(model, "compare the weather", tools=(get_weather,), heard=heard)
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [
        ("get_weather", {"city": "Oslo"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert len({call.call_id for call in reply.tool_calls}) == 2
    assert [delta.tool_name for delta in heard] == ["get_weather", "get_weather"]


@pytest.mark.parametrize("model", TALKERS)
async def test_thoughts_are_told_apart_from_text(model: str) -> None:
    heard: list[Delta] = []
    reply = await ask(model, "think first", heard=heard)
    assert reply.text == "Forty-two."
    assert "".join(delta.thinking for delta in heard) == "Six times seven."
    assert isinstance(reply.content, tuple)
    assert [part.content for part in reply.content if part.type is PartType.THINKING] == ["Six times seven."]


@pytest.mark.parametrize("model", TALKERS)
async def test_a_conversation_with_tools_goes_on(model: str, get_weather: ToolSpec) -> None:
    question = Message.user("compare the weather")
    calling = kept(await ask(model, question, tools=(get_weather,)))
    oslo, rome = calling.tool_calls
    results = Message.tool(ToolResult(tool_call_id=oslo.call_id, content="-3"), ToolResult(tool_call_id=rome.call_id))
    assert (await ask(model, question, calling, results, tools=(get_weather,))).text == "Oslo is colder."


@pytest.mark.parametrize(
    ("model", "question", "arguments"),
    [
        (OPENAI_CHAT, "garble the arguments", '{"city": "Os'),
        (OPENAI, "garble the arguments", '{"city": "Os'),
        (OPENAI_CHAT, "send a list as arguments", '["Oslo"]'),
        (ANTHROPIC, "send a list as arguments", '["Oslo"]'),
    ],
)
async def test_arguments_that_are_no_object_stay_as_they_came(
    model: str, question: str, arguments: str, get_weather: ToolSpec
) -> None:
    """E-18, and the model may be asked again with them in the conversation."""
    reply = kept(await ask(model, question, tools=(get_weather,)))
    (call,) = reply.tool_calls
    assert call.arguments == arguments
    result = ToolResult(tool_call_id=call.call_id, content="no such city", is_error=True)
    assert (await ask(model, question, reply, Message.tool(result), "say hello", tools=(get_weather,))).text


@pytest.mark.parametrize("model", [OPENAI_CHAT, ANTHROPIC, GOOGLE])
async def test_a_reply_that_was_cut_short_says_so(model: str) -> None:
    assert (await ask(model, "stop at the limit")).status is MessageStatus.LENGTH


@pytest.mark.parametrize("model", [OPENAI_CHAT, GOOGLE])
async def test_a_reply_that_was_filtered_says_so_and_keeps_its_text(model: str) -> None:
    reply = await ask(model, "say something bad")
    assert (reply.text, reply.status) == ("I would rather", MessageStatus.CONTENT_FILTERED)


async def test_anthropic_gets_its_signed_thought_and_its_order_back(relay: Relay, get_weather: ToolSpec) -> None:
    question = Message.user("think, talk and call")
    reply = kept(await ask(ANTHROPIC, question, tools=(get_weather,)))
    oslo, rome = reply.tool_calls
    results = Message.tool(ToolResult(tool_call_id=oslo.call_id), ToolResult(tool_call_id=rome.call_id))
    await ask(ANTHROPIC, question, reply, results, "say hello", tools=(get_weather,))
    said = relay.asked[-1]["messages"][1]["content"]
    assert [block["type"] for block in said] == ["thinking", "text", "tool_use", "text", "tool_use"]
    assert (said[0]["thinking"], said[0]["signature"]) == ("I need the weather.", "c2lnbmVk")


async def test_openai_keeps_nothing_and_gets_its_sealed_reasoning_back(relay: Relay) -> None:
    question = Message.user("think first")
    reply = kept(await ask(OPENAI, question))
    await ask(OPENAI, question, reply, "say hello")
    first, second = relay.asked
    assert first["store"] is False
    assert "reasoning.encrypted_content" in first["include"]
    (reasoning,) = [item for item in second["input"] if item.get("type") == "reasoning"]
    assert reasoning["encrypted_content"]


async def test_another_provider_gets_the_words_without_the_signatures(relay: Relay) -> None:
    question = Message.user("think first")
    reply = kept(await ask(ANTHROPIC, question))
    assert (await ask(OPENAI_CHAT, question, reply, "say hello")).text
    assert "c2lnbmVk" not in str(relay.asked[-1])
    assert "Forty-two." in str(relay.asked[-1])


def anthropic_errors(asked: dict[str, Any]) -> list[bool]:
    return [block.get("is_error", False) for block in asked["messages"][-1]["content"] if "tool_use_id" in block]


def bedrock_errors(asked: dict[str, Any]) -> list[bool]:
    blocks = asked["messages"][-1]["content"]
    return [block["toolResult"]["status"] == "error" for block in blocks if "toolResult" in block]


def openai_errors(asked: dict[str, Any]) -> list[bool]:
    return ["error" in message["content"] for message in asked["messages"] if message["role"] == "tool"]


@pytest.mark.parametrize(
    ("model", "errors"), [(ANTHROPIC, anthropic_errors), (BEDROCK, bedrock_errors), (OPENAI_CHAT, openai_errors)]
)
async def test_failed_tools_are_reported_in_the_providers_own_way(
    model: str, errors: Any, relay: Relay, get_weather: ToolSpec
) -> None:
    question = Message.user("compare the weather")
    calling = kept(await ask(model, question, tools=(get_weather,)))
    oslo, rome = calling.tool_calls
    results = Message.tool(
        ToolResult(tool_call_id=oslo.call_id, content="-3"),
        ToolResult(tool_call_id=rome.call_id, content="no answer", is_error=True),
    )
    with suppress(ModelError):  # Bedrock's text stream, see `TALKERS`; what counts here is the question
        await ask(model, question, calling, results, tools=(get_weather,))
    assert errors(relay.asked[-1]) == [False, True]


async def test_a_picture_reaches_the_model(relay: Relay) -> None:
    picture = ContentPart(type=PartType.IMAGE, content=PIXEL)
    await ask(ANTHROPIC, Message.user((ContentPart(content="look at this"), picture)))
    text, image = relay.asked[-1]["messages"][-1]["content"]
    assert text["text"] == "look at this"
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}


async def test_a_picture_that_a_tool_made_reaches_the_model(relay: Relay, get_weather: ToolSpec) -> None:
    calling = kept(await ask(ANTHROPIC, "compare the weather", tools=(get_weather,)))
    oslo, rome = calling.tool_calls
    picture = ContentPart(type=PartType.IMAGE, content=PIXEL, options={"media_type": "image/png"})
    drawn = (ContentPart(content="a chart"), picture)
    results = Message.tool(ToolResult(tool_call_id=oslo.call_id, content=drawn), ToolResult(tool_call_id=rome.call_id))
    await ask(ANTHROPIC, "draw it", calling, results, tools=(get_weather,))
    assert PIXEL in str(relay.asked[-1]["messages"][-1]["content"])


@pytest.mark.parametrize("model", TALKERS)
async def test_a_system_message_in_the_middle_is_no_stumbling_block(model: str, relay: Relay) -> None:
    reply = await ask(model, "think first", Message.assistant("Yes."), Message.system("Now in French."), "say hello")
    assert reply.text
    assert "Now in French." in str(relay.asked[-1])


async def test_the_system_prompt_goes_out_as_its_author_wrote_it(relay: Relay) -> None:
    await ask("anthropic:claude-sonnet-4-6", "say hello")
    assert [block["text"] for block in relay.asked[-1]["system"]] == ["Be brief."]


async def test_many_asks_at_once_share_a_line_and_leave_none_open(relay: Relay) -> None:
    replies = await asyncio.gather(*(ask(OPENAI_CHAT, "say hello") for _ in range(20)))
    assert {reply.text for reply in replies} == {"Hello from the other side of the wire."}
    assert len(relay.asked) == 20
    await asyncio.wait_for(relay.nobody_left(), 5)


async def test_a_model_can_be_asked_on_several_event_loops_at_once() -> None:
    texts: list[str] = []

    def in_a_loop_of_its_own() -> None:
        texts.extend(asyncio.run(ask(ANTHROPIC, "say hello")).text for _ in range(3))

    threads = [threading.Thread(target=in_a_loop_of_its_own) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert texts == ["Hello from the other side of the wire."] * 9
