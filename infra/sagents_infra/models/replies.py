"""From what Pydantic AI hears to our messages and deltas. `translate` is the way out."""

from dataclasses import fields
from typing import Any

import pydantic_core
from pydantic import JsonValue, TypeAdapter
from pydantic_ai import messages as wire
from pydantic_ai.usage import RequestUsage

from sagents.messages import ContentPart, Message, MessageStatus, PartType, TokenUsage, ToolCall
from sagents.ports import Delta
from sagents_infra.models import media
from sagents_infra.models.provenance import STAMP, as_json, marks_of, stamp_of

ANY_PART: TypeAdapter[wire.ModelResponsePart] = TypeAdapter(wire.ModelResponsePart)
_STATUS = {"length": MessageStatus.LENGTH, "content_filter": MessageStatus.CONTENT_FILTERED}


def reply(response: wire.ModelResponse) -> Message:
    """A provider's whole reply as our message. A call's `index` is its place among the parts."""
    parts = [part for part in response.parts if not _is_blank(part)]
    calls = tuple(_call(part, index) for index, part in enumerate(parts) if isinstance(part, wire.ToolCallPart))
    content = tuple(_content(part) for part in parts if not isinstance(part, wire.ToolCallPart))
    is_plain = len(content) == 1 and content[0].type is PartType.TEXT and not content[0].options
    return Message.assistant(
        content[0].content if is_plain else content or None,
        tool_calls=calls,
        status=_STATUS.get(response.finish_reason or "", MessageStatus.COMPLETE),
        usage=_usage(response.usage),
        metadata={STAMP: stamp_of(response)},
    )


def delta(event: wire.ModelResponseStreamEvent) -> Delta | None:
    """What an event of the stream adds for whoever reads along; None where it adds nothing."""
    match event:
        case wire.PartStartEvent(part=wire.ToolCallPart(tool_name=name)):
            return Delta(tool_name=clean(name))
        case wire.PartStartEvent(part=wire.TextPart(content=text)) if text:
            return Delta(text=clean(text))
        case wire.PartDeltaEvent(delta=wire.TextPartDelta(content_delta=text)) if text:
            return Delta(text=clean(text))
        case wire.PartStartEvent(part=wire.ThinkingPart(content=thought)) if thought:
            return Delta(thinking=clean(thought))
        case wire.PartDeltaEvent(delta=wire.ThinkingPartDelta(content_delta=str(thought))) if thought:
            return Delta(thinking=clean(thought))
        case _:
            return None


def clean(text: str) -> str:
    """The text in whole characters: a stream may cut an emoji in two, and no JSON of ours holds a half."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_blank(part: wire.ModelResponsePart) -> bool:
    return isinstance(part, wire.TextPart | wire.ThinkingPart) and not part.content and not marks_of(part)


def _call(part: wire.ToolCallPart[Any], index: int) -> ToolCall:
    return ToolCall(
        call_id=part.tool_call_id,
        name=clean(part.tool_name),
        arguments=_arguments(part.args),
        index=index,
        metadata=marks_of(part),
    )


def _arguments(arguments: str | dict[str, Any] | None) -> dict[str, JsonValue] | str:
    """The arguments as an object, or as the text they came as where that is none (E-18)."""
    if not arguments:
        return {}
    if isinstance(arguments, dict):
        return dict(as_json(arguments))
    text = clean(arguments)
    try:
        parsed = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError:
        return text
    return parsed if isinstance(parsed, dict) else text


def _content(part: wire.ModelResponsePart) -> ContentPart:
    match part:
        case wire.TextPart():
            return ContentPart(content=clean(part.content), options=marks_of(part))
        case wire.ThinkingPart():
            return ContentPart(type=PartType.THINKING, content=clean(part.content), options=marks_of(part))
        case wire.FilePart():
            made = media.from_wire(part.content)
            return made.but(options={**made.options, **marks_of(part)})
        case _:  # what only a provider understands goes back to it as it came
            return ContentPart(type=PartType.UNSUPPORTED, options={"part": ANY_PART.dump_python(part, mode="json")})


def _usage(usage: RequestUsage) -> TokenUsage | None:
    """The provider's count, all figures of it in `raw`; None where it sent none."""
    counts = {**usage.details, **{field.name: getattr(usage, field.name) for field in fields(usage)}}
    counts.pop("unmeasured_requests")
    spent: dict[str, Any] = {key: count for key, count in counts.items() if isinstance(count, int | float) and count}
    if not spent:
        return None
    return TokenUsage(input=int(spent.pop("input_tokens", 0)), output=int(spent.pop("output_tokens", 0)), raw=spent)
