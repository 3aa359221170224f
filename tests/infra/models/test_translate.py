"""From our messages to Pydantic AI's and back: nothing said is lost, nothing that a provider gave is forgotten."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_ai import messages as wire
from pydantic_ai.usage import RequestUsage

from sagents.messages import ContentPart, Message, MessageStatus, PartType, ToolCall, ToolResult
from sagents.ports import Delta, ModelRequest, ToolSpec
from sagents_infra.models.replies import delta, reply
from sagents_infra.models.translate import history, parameters

Said = tuple[Any, ...]
"""Something that was said: who, and what."""

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(words, values, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(words, json_values, max_size=3)
no_objects = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: not is_object(text))
signatures = st.fixed_dictionaries({}, optional={"signature": words, "provider_name": words, "id": words})


def is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def texts(kind: PartType) -> st.SearchStrategy[ContentPart]:
    options = signatures if kind is PartType.THINKING else st.just({})
    return st.builds(ContentPart, type=st.just(kind), content=words, options=options)


@st.composite
def turns(draw: st.DrawFn, number: int) -> list[Message]:
    """A question, perhaps in two messages, a reply, and the results of its calls, if it made any."""
    asked = [Message.user(draw(words)) for _ in range(draw(st.integers(1, 2)))]
    ids = [f"{number}-{n}" for n in range(draw(st.integers(0, 3)))]
    said = draw(words | st.lists(texts(PartType.TEXT) | texts(PartType.THINKING), min_size=1, max_size=3).map(tuple))
    calls = tuple(ToolCall(call_id=key, name=draw(words), arguments=draw(objects | no_objects)) for key in ids)
    results = [ToolResult(tool_call_id=key, content=draw(words), is_error=draw(st.booleans())) for key in ids]
    answered = [Message.tool(*results)] if results else []
    return [*asked, Message.assistant(said, tool_calls=calls), *answered]


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    return [message for number in range(draw(st.integers(1, 4))) for message in draw(turns(number))]


def said_by_us(messages: Iterable[Message]) -> Iterator[Said]:
    for message in messages:
        whole = message.content or ()
        for part in (ContentPart(content=whole),) if isinstance(whole, str) else whole:
            yield message.role.value, part.type.value, part.content, dict(part.options)
        for call in message.tool_calls:
            yield "call", call.call_id, call.name, call.arguments
        for result in message.tool_results:
            yield "result", result.tool_call_id, result.text, result.is_error


def said_on_the_wire(messages: Iterable[wire.ModelMessage]) -> Iterator[Said]:
    for message in messages:
        if isinstance(message, wire.ModelResponse):
            yield from said_by_us([reply(message)])
            continue
        for part in message.parts:
            match part:
                case wire.UserPromptPart(content=str(text)):
                    yield "user", "text", text, {}
                case wire.ToolReturnPart():
                    yield "result", part.tool_call_id, part.content, part.outcome == "failed"
                case _:
                    raise AssertionError(part)


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(conversations())
def test_there_and_back_again_keeps_texts_calls_and_results(messages: list[Message]) -> None:
    assert list(said_on_the_wire(history(messages))) == list(said_by_us(messages))


details = st.none() | st.dictionaries(words, json_values, min_size=1, max_size=2)
response_parts: st.SearchStrategy[wire.ModelResponsePart] = (
    st.builds(wire.TextPart, words, id=st.none() | words, provider_name=st.just("p"), provider_details=details)
    | st.builds(wire.ThinkingPart, words, signature=st.none() | words, provider_name=st.just("p"))
    | st.builds(wire.ToolCallPart, words, objects, words, provider_name=st.just("p"), provider_details=details)
    | st.builds(wire.CompactionPart, words, provider_name=st.just("p"), provider_details=details)
)


@unhurried
@given(st.lists(response_parts, min_size=1, max_size=5))
def test_a_reply_goes_back_to_its_provider_as_it_came(parts: list[wire.ModelResponsePart]) -> None:
    came = wire.ModelResponse(
        parts, provider_name="p", provider_url="http://p", provider_response_id="1", model_name="m"
    )
    stored = Message.model_validate_json(reply(came).model_dump_json())
    back = next(message for message in history([stored]) if isinstance(message, wire.ModelResponse))
    assert back.parts == came.parts
    assert (back.provider_name, back.provider_url, back.provider_response_id) == ("p", "http://p", "1")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ("", {}),
        (None, {}),
        ('{"a": ', '{"a": '),
        ('{"a": NaN}', '{"a": NaN}'),
        ("null", "null"),
        ("[1]", "[1]"),
        ('"text"', '"text"'),
        ("half a character: \ud83d", "half a character: \ufffd"),
    ],
)
def test_arguments_are_an_object_or_stay_as_they_came(sent: Any, kept: Any) -> None:
    """E-18"""
    (call,) = reply(wire.ModelResponse([wire.ToolCallPart("look", sent)])).tool_calls
    assert call.arguments == kept
    assert Message.model_validate_json(Message.assistant(tool_calls=(call,)).model_dump_json()).tool_calls == (call,)


def test_an_emoji_that_was_cut_in_two_is_whole_again() -> None:
    assert reply(wire.ModelResponse([wire.TextPart("\ud83d\ude00")])).text == "\U0001f600"


def test_a_plain_reply_is_a_plain_string() -> None:
    assert reply(wire.ModelResponse([wire.TextPart("Yes."), wire.TextPart("")])).content == "Yes."


def test_a_reply_with_nothing_but_calls_has_no_content() -> None:
    assert reply(wire.ModelResponse([wire.ToolCallPart("look")])).content is None


@pytest.mark.parametrize(
    ("finish_reason", "status"),
    [
        ("stop", MessageStatus.COMPLETE),
        ("tool_call", MessageStatus.COMPLETE),
        (None, MessageStatus.COMPLETE),
        ("length", MessageStatus.LENGTH),
        ("content_filter", MessageStatus.CONTENT_FILTERED),
    ],
)
def test_how_a_reply_ended_is_its_status(finish_reason: Any, status: MessageStatus) -> None:
    assert reply(wire.ModelResponse([wire.TextPart("Yes.")], finish_reason=finish_reason)).status is status


def test_all_figures_of_a_count_are_kept() -> None:
    usage = RequestUsage(input_tokens=10, output_tokens=4, cache_read_tokens=8, details={"reasoning_tokens": 3})
    count = reply(wire.ModelResponse([wire.TextPart("Yes.")], usage=usage)).usage
    assert count is not None
    assert (count.input, count.output, count.raw) == (10, 4, {"cache_read_tokens": 8, "reasoning_tokens": 3})


def test_no_count_is_not_a_count_of_zero() -> None:
    assert reply(wire.ModelResponse([wire.TextPart("Yes.")])).usage is None


def test_a_picture_that_a_model_made_is_kept() -> None:
    picture = wire.FilePart(wire.BinaryImage(b"\x89PNG", media_type="image/png"), provider_name="p")
    came = wire.ModelResponse([picture], provider_name="p")
    message = reply(came)
    assert isinstance(message.content, tuple)
    assert message.content[0].type is PartType.IMAGE
    assert history([message])[0].parts == came.parts


ENCODED = base64.b64encode(b"\x89PNG...").decode()


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (ContentPart(type=PartType.IMAGE, content=ENCODED), wire.BinaryImage(b"\x89PNG...", media_type="image/png")),
        (
            ContentPart(type=PartType.IMAGE, content=f"data:image/gif;base64,{ENCODED}"),
            wire.BinaryImage(b"\x89PNG...", media_type="image/gif"),
        ),
        (
            ContentPart(type=PartType.FILE, content="YSxi", options={"filename": "a.csv"}),
            wire.BinaryContent(b"a,b", media_type="text/csv"),
        ),
        (
            ContentPart(type=PartType.FILE, content="YSxi", options={"media_type": "text/x-mine"}),
            wire.BinaryContent(b"a,b", media_type="text/x-mine"),
        ),
        (
            ContentPart(type=PartType.IMAGE_URL, content="https://a.example/b"),
            wire.ImageUrl("https://a.example/b", media_type="image/png"),
        ),
        (
            ContentPart(type=PartType.FILE_URL, content="https://a.example/b.pdf?c=d"),
            wire.DocumentUrl("https://a.example/b.pdf?c=d", media_type="application/pdf"),
        ),
        (
            ContentPart(type=PartType.FILE_URL, content="https://a.example/b.mp4"),
            wire.VideoUrl("https://a.example/b.mp4", media_type="video/mp4"),
        ),
        (ContentPart(type=PartType.IMAGE, content="no base64!"), "[image: not readable]"),
        (ContentPart(type=PartType.FILE, content="data:nonsense"), "[file: not readable]"),
    ],
)
def test_images_and_files_are_sent_as_what_they_are(part: ContentPart, sent: Any) -> None:
    (request,) = history([Message.user((ContentPart(content="Look:"), part))])
    (prompt,) = request.parts
    assert isinstance(prompt, wire.UserPromptPart)
    assert prompt.content == ["Look:", sent]


def test_a_cache_mark_is_kept_in_its_place() -> None:
    long = ContentPart(content="a long text", options={"cache_control": {"type": "ephemeral"}})
    (request,) = history([Message.user((long, ContentPart(content="a question")))])
    (prompt,) = request.parts
    assert isinstance(prompt, wire.UserPromptPart)
    assert prompt.content == ["a long text", wire.CachePoint(), "a question"]


def test_a_result_with_a_file_keeps_both_and_one_of_texts_is_a_text() -> None:
    calls = (ToolCall(call_id="1", name="draw"), ToolCall(call_id="2", name="write"))
    picture = ContentPart(type=PartType.IMAGE, content=ENCODED)
    drawn = ToolResult(tool_call_id="1", content=(ContentPart(content="a chart"), picture))
    wrote = ToolResult(tool_call_id="2", content=(ContentPart(content="a "), ContentPart(content="text")))
    results = history([Message.assistant(tool_calls=calls), Message.tool(drawn, wrote)])[1].parts
    assert [part.content for part in results if isinstance(part, wire.ToolReturnPart)] == [
        ["a chart", wire.BinaryImage(b"\x89PNG...", media_type="image/png")],
        "a text",
    ]
    assert [part.tool_name for part in results if isinstance(part, wire.ToolReturnPart)] == ["draw", "write"]


def test_a_note_is_read_before_the_result_it_is_about() -> None:
    """E-81: the model is told that a person changed its call."""
    calls = tuple(ToolCall(call_id=str(n), name="draw") for n in range(3))
    picture = ContentPart(type=PartType.IMAGE, content=ENCODED)
    text = ToolResult(tool_call_id="0", content="a chart", note="Changed.")
    drawn = ToolResult(tool_call_id="1", content=(picture,), note="Changed.")
    empty = ToolResult(tool_call_id="2", note="Changed.")
    results = history([Message.assistant(tool_calls=calls), Message.tool(text, drawn, empty)])[1].parts
    assert [part.content for part in results if isinstance(part, wire.ToolReturnPart)] == [
        "Changed.\n\na chart",
        ["Changed.", wire.BinaryImage(b"\x89PNG...", media_type="image/png")],
        "Changed.",
    ]


def test_messages_that_say_nothing_are_left_out() -> None:
    said = [Message.user(""), Message.assistant(None), Message.system(""), Message.user(()), Message.user("Well?")]
    (request,) = history(said)
    assert [part.part_kind for part in request.parts] == ["user-prompt"]


def test_a_call_without_a_result_and_a_result_without_a_call_break_no_conversation() -> None:
    called = Message.assistant(tool_calls=(ToolCall(call_id="1", name="look"),))
    stray = Message.tool(ToolResult(tool_call_id="2", content="what?"))
    _, request = history([called, stray, Message.user("Well?")])
    assert [part.part_kind for part in request.parts] == ["tool-return", "user-prompt"]
    assert [part.tool_call_id for part in request.parts if isinstance(part, wire.ToolReturnPart)] == ["1"]


def test_results_stand_before_what_was_said_meanwhile() -> None:
    called = Message.assistant(tool_calls=(ToolCall(call_id="1", name="look"),))
    result = Message.tool(ToolResult(tool_call_id="1", content="done"))
    _, request = history([called, Message.user("Hurry!"), result])
    assert [part.part_kind for part in request.parts] == ["tool-return", "user-prompt"]


def test_neighbours_of_one_side_are_joined() -> None:
    begun = Message.assistant("I was about to", metadata={"provider": {"provider_name": "p", "model_name": "m"}})
    request, response = history([Message.user("Well?"), Message.user("So?"), begun, Message.assistant("say yes.")])
    assert [part.part_kind for part in request.parts] == ["user-prompt", "user-prompt"]
    assert isinstance(response, wire.ModelResponse)
    assert ([part.part_kind for part in response.parts], response.provider_name) == (["text", "text"], "p")


def test_calls_of_other_origin_stand_after_the_text() -> None:
    """Elsewhere `index` counts the calls only (a scripted model, an imported state)."""
    called = Message.assistant("Let me see.", tool_calls=(ToolCall(call_id="1", name="look", index=0),))
    assert [part.part_kind for part in history([called])[0].parts] == ["text", "tool-call"]


def test_what_was_tampered_with_is_left_out() -> None:
    odd = ContentPart(type=PartType.UNSUPPORTED, options={"part": {"part_kind": "nonsense"}})
    message = Message.assistant((odd, ContentPart(content="Yes.")), metadata={"provider": {"provider_name": 1}})
    (response,) = history([message])
    assert isinstance(response, wire.ModelResponse)
    assert (response.provider_name, [part.part_kind for part in response.parts]) == (None, ["text"])


def test_a_tool_is_described_to_the_model() -> None:
    spec = ToolSpec(name="look", description="Looks.", parameters={"type": "object", "properties": {"at": {}}})
    sent = parameters(ModelRequest(system_prompt="Be brief.", tools=(spec, ToolSpec(name="wait"))))
    look, wait = sent.function_tools
    assert (look.name, look.description, look.parameters_json_schema) == ("look", "Looks.", dict(spec.parameters))
    assert wait.parameters_json_schema == {"type": "object", "properties": {}}
    assert [part.content for part in sent.instruction_parts or []] == ["Be brief."]


@pytest.mark.parametrize(
    ("event", "heard"),
    [
        (wire.PartStartEvent(index=0, part=wire.TextPart("So")), Delta(text="So")),
        (wire.PartStartEvent(index=0, part=wire.TextPart("")), None),
        (wire.PartDeltaEvent(index=0, delta=wire.TextPartDelta(" it is")), Delta(text=" it is")),
        (wire.PartStartEvent(index=0, part=wire.ThinkingPart("Hm")), Delta(thinking="Hm")),
        (wire.PartDeltaEvent(index=0, delta=wire.ThinkingPartDelta(content_delta="m")), Delta(thinking="m")),
        (wire.PartDeltaEvent(index=0, delta=wire.ThinkingPartDelta(signature_delta="s")), None),
        (wire.PartStartEvent(index=0, part=wire.ToolCallPart("look")), Delta(tool_name="look")),
        (wire.PartDeltaEvent(index=0, delta=wire.ToolCallPartDelta(args_delta="{")), None),
        (wire.PartEndEvent(index=0, part=wire.TextPart("So")), None),
        (wire.FinalResultEvent(tool_name=None, tool_call_id=None), None),
        (wire.PartDeltaEvent(index=0, delta=wire.TextPartDelta("\ud83d")), Delta(text="\ufffd")),
    ],
)
def test_events_of_a_stream_are_told_as_deltas(event: wire.ModelResponseStreamEvent, heard: Delta | None) -> None:
    assert delta(event) == heard
