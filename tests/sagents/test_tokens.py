"""Tokens of a conversation: as the provider counted them where it did, else estimated."""

import pytest

from sagents import ContentPart, Message, PartType, TokenUsage, ToolCall
from sagents.messages import ToolResult
from sagents.tokens import estimate, tokens_of

TEXT = "one two three four"  # 4 words and 18 characters: (ceil(5.2) + ceil(4.5)) // 2 = 5


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        (Message.user(""), 4),
        (Message.user(TEXT), 4 + 5),
        (Message.user((ContentPart(content=TEXT), ContentPart(type=PartType.IMAGE, content="aGk="))), 4 + 5 + 1000),
        (Message.user((ContentPart(type=PartType.IMAGE_URL, content="https://x"),)), 4 + 1000),
        (Message.assistant((ContentPart(type=PartType.UNSUPPORTED),)), 4 + 10),
        (Message.assistant(None, tool_calls=(ToolCall(call_id="1", name=TEXT, arguments={}),)), 4 + 10 + 5 + 1),
        (Message.tool(ToolResult(tool_call_id="1", content=TEXT), ToolResult(tool_call_id="2")), 4 + 10 + 5 + 10),
        (Message.tool(ToolResult(tool_call_id="1", content=TEXT, note=TEXT)), 4 + 10 + 5 + 5),
    ],
)
def test_an_estimate_counts_words_and_characters(message: Message, tokens: int) -> None:
    """B-58."""
    assert estimate([message]) == tokens


def reply(input: int, output: int) -> Message:
    return Message.assistant("Well", usage=TokenUsage(input=input, output=output))


def test_the_providers_count_of_the_newest_reply_is_taken() -> None:
    """B-58: it knows the system prompt and the tools too; what was said since is estimated."""
    messages = (Message.user(TEXT), reply(500, 20), Message.user(TEXT), reply(900, 30), Message.user(TEXT))
    assert tokens_of(messages) == 930 + 9


def test_a_count_from_before_a_place_is_not() -> None:
    """B-58."""
    messages = (Message.user(TEXT), reply(500, 20), Message.user(TEXT))
    assert tokens_of(messages, since=1) == 520 + 9
    assert tokens_of(messages, since=2) == estimate(messages)


def test_a_reply_without_a_count_tells_nothing() -> None:
    """B-58."""
    messages = (Message.user(TEXT), reply(0, 0), Message.assistant("Hm"))
    assert tokens_of(messages) == estimate(messages)
