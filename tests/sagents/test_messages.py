"""Messages, calls, results, usage and the fragments of a streamed reply."""

from typing import Any

import pytest
from hypothesis import given

from sagents.message_delta import MessageDelta
from sagents.messages import ContentPart, Message, MessageStatus, PartType, Role, TokenUsage, ToolCall, ToolResult
from tests.sagents.strategies import messages

SIGNED = ContentPart(type=PartType.THINKING, content="Hm. Rain?", options={"signature": "s1"})


@given(messages)
def test_message_survives_its_json(message: Message) -> None:
    """B-140."""
    assert Message.model_validate_json(message.model_dump_json()) == message


def test_message_knows_its_roles_and_statuses() -> None:
    """B-140."""
    assert {str(role) for role in Role} == {"system", "user", "assistant", "tool"}
    assert {str(status) for status in MessageStatus} == {
        "complete", "cancelled", "length", "content_filtered", "stream_error",
    }  # fmt: skip
    assert Message.user("hi").status is MessageStatus.COMPLETE


def test_message_says_whether_its_tools_failed() -> None:
    """B-140."""
    failed = ToolResult(tool_call_id="1", content="no", is_error=True)
    assert Message.tool(ToolResult(tool_call_id="2"), failed).had_tool_errors
    assert not Message.tool(ToolResult(tool_call_id="2")).had_tool_errors


def test_result_is_replaced_in_a_tool_message_only() -> None:
    """B-140, T-16."""
    old, new = ToolResult(tool_call_id="1", content="old"), ToolResult(tool_call_id="1", content="new")
    assert Message.tool(old).replace_tool_result("1", new) == Message.tool(new)
    unchanged = Message.tool(old)
    assert unchanged.replace_tool_result("2", new) is unchanged


def test_part_types_are_those_of_the_reference() -> None:
    """B-141."""
    kinds = {"text", "image", "image_url", "file", "file_url", "thinking", "unsupported"}
    assert {str(kind) for kind in PartType} == kinds


def test_text_of_a_message_leaves_thinking_and_media_out() -> None:
    """B-141."""
    picture = ContentPart(type=PartType.IMAGE, content="aGk=", options={"media_type": "image/png"})
    message = Message.assistant((SIGNED, ContentPart(content="It "), picture, ContentPart(content="rains.")))
    assert message.text == "It rains."


def test_arguments_that_are_still_text_stay_text() -> None:
    """B-142, E-18."""
    call = ToolCall(call_id="1", name="add", arguments='{"a": 1', status="incomplete")
    assert ToolCall.model_validate_json(call.model_dump_json()) == call


def test_result_holds_interrupt_display_text_and_options() -> None:
    """B-143."""
    result = ToolResult(
        tool_call_id="1",
        name="ask",
        content=(ContentPart(content="?"),),
        display_text="Asking",
        is_interrupt=True,
        interrupt_data={"type": "ask_user_question", "deep": {"n": [1, True]}},
        options={"cache_control": "ephemeral"},
    )
    assert ToolResult.model_validate_json(result.model_dump_json()) == result
    assert result.text == "?"


def test_usage_of_two_messages_is_added_at_every_depth() -> None:
    """B-144."""
    raw: dict[str, Any] = {"details": {"cached": 3}, "tier": "x", "batch": True}
    one, two = TokenUsage(input=1, output=2, raw=raw), TokenUsage(input=10, output=20, raw={**raw, "tier": "y"})
    total = one.add(two)
    assert (total.input, total.output, total.total) == (11, 22, 33)
    assert total.raw == {"details": {"cached": 6}, "tier": "y", "batch": True}


def test_readings_of_one_message_keep_the_larger_count() -> None:
    """B-144: a provider repeats its running totals."""
    opening = TokenUsage(input=25, output=1, raw={"details": {"cached": 9}})
    closing = TokenUsage(output=15, raw={"details": {"cached": 9, "written": 1}})
    usage = opening.advance(closing)
    assert (usage.input, usage.output, usage.raw) == (25, 15, {"details": {"cached": 9, "written": 1}})


def streamed(*deltas: MessageDelta) -> Message:
    whole = MessageDelta()
    for delta in deltas:
        whole = whole.merge(delta)
    return whole.to_message()


def call(index: int, arguments: str, call_id: str = "", name: str = "") -> MessageDelta:
    fragment = ToolCall(call_id=call_id, name=name, arguments=arguments, index=index, status="incomplete")
    return MessageDelta(tool_calls=(fragment,))


ENDED = MessageDelta(status=MessageStatus.COMPLETE, usage=TokenUsage(input=3, output=5))


def test_fragments_of_text_become_a_message() -> None:
    """B-144."""
    message = streamed(MessageDelta.text("It "), MessageDelta.text("rains."), ENDED)
    assert message == Message.assistant("It rains.", usage=TokenUsage(input=3, output=5))


def test_thinking_stays_a_part_of_its_own_with_its_signature() -> None:
    """B-144."""
    signature = MessageDelta(parts=(ContentPart(type=PartType.THINKING, options={"signature": "s1"}),))
    thought = (MessageDelta.thinking("Hm. "), MessageDelta.thinking("Rain?"), signature)
    assert streamed(*thought, MessageDelta.text("Yes."), ENDED).content == (SIGNED, ContentPart(content="Yes."))


def test_fragments_of_parallel_calls_find_their_own() -> None:
    """B-144, B-142."""
    message = streamed(call(0, '{"a"', "c0", "add"), call(1, "", "c1", "now"), call(0, ": 1}"), ENDED)
    assert message.content is None
    assert message.tool_calls == (
        ToolCall(call_id="c0", name="add", arguments={"a": 1}),
        ToolCall(call_id="c1", name="now"),
    )


@pytest.mark.parametrize("text", ['{"a": ', "[1]", "nonsense"])
def test_arguments_that_are_no_object_stay_as_they_came(text: str) -> None:
    """B-144, E-18."""
    assert streamed(call(0, text, "c0", "add"), ENDED).tool_calls[0].arguments == text


def test_reply_that_was_cut_off_says_so() -> None:
    """B-144."""
    message = streamed(MessageDelta.text("It ra"), call(0, '{"a"', "c0", "add"))
    assert (message.text, message.status) == ("It ra", MessageStatus.CANCELLED)
    assert message.tool_calls[0].status == "incomplete"


def test_merging_fragments_is_associative() -> None:
    """B-144."""
    a, b, c = MessageDelta.text("a"), call(0, "{", "c0", "add"), call(0, "}").merge(ENDED)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
