"""From our durable messages to Pydantic AI's, which live for one request. `replies` is the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_ai import messages as wire
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from sagents.messages import ContentPart, Message, PartType, Role, ToolCall, ToolResult
from sagents.ports import ModelRequest, ToolSpec
from sagents_infra.models import media
from sagents_infra.models.provenance import marks_in, stamp_in
from sagents_infra.models.replies import ANY_PART


def parameters(request: ModelRequest) -> ModelRequestParameters:
    """The system prompt and the tools of a request."""
    prompt = [wire.InstructionPart(content=request.system_prompt)] if request.system_prompt else None
    return ModelRequestParameters(function_tools=[_tool(spec) for spec in request.tools], instruction_parts=prompt)


def _tool(spec: ToolSpec) -> ToolDefinition:
    schema = dict(spec.parameters) or {"type": "object", "properties": {}}
    return ToolDefinition(name=spec.name, description=spec.description or None, parameters_json_schema=schema)


def history(messages: Sequence[Message]) -> list[wire.ModelMessage]:
    """The conversation as providers accept it: neighbours of one side joined, no call without a result or reverse."""
    tools = {call.call_id: call.name for message in messages for call in message.tool_calls}
    said = [_said(message, tools) for message in messages]
    return _joined(wire.repair_messages([message for message in said if message.parts]))


def _joined(messages: Sequence[wire.ModelMessage]) -> list[wire.ModelMessage]:
    """One reply where several follow each other: some providers want the sides to alternate. Requests are joined."""
    joined: list[wire.ModelMessage] = []
    for message in messages:
        last = joined[-1] if joined else None
        if isinstance(message, wire.ModelResponse) and isinstance(last, wire.ModelResponse):
            stamped = message if message.provider_name else last
            joined[-1] = replace(stamped, parts=[*last.parts, *message.parts])
        else:
            joined.append(message)
    return joined


def _said(message: Message, tools: Mapping[str, str]) -> wire.ModelMessage:
    match message.role:
        case Role.ASSISTANT:
            return _reply(message)
        case Role.SYSTEM:
            return wire.ModelRequest([wire.SystemPromptPart(message.text)] if message.text else [])
        case Role.USER:
            content = _pieces(message.content)
            return wire.ModelRequest([wire.UserPromptPart(content)] if content else [])
        case Role.TOOL:
            return wire.ModelRequest([_result(result, tools) for result in message.tool_results])


def _pieces(content: str | tuple[ContentPart, ...] | None) -> str | list[wire.UserContent]:
    """What a user or a tool said; thoughts and parts of other providers' kinds are not theirs to say."""
    if content is None or isinstance(content, str):
        return content or ""
    pieces: list[wire.UserContent] = []
    for part in content:
        match part.type:
            case PartType.TEXT:
                pieces += [part.content] if part.content else []
            case PartType.IMAGE | PartType.FILE | PartType.IMAGE_URL | PartType.FILE_URL:
                pieces.append(media.to_wire(part))
            case PartType.THINKING | PartType.UNSUPPORTED:
                continue
        if pieces and part.options.get("cache_control"):
            pieces.append(wire.CachePoint())
    return pieces


def _result(result: ToolResult, tools: Mapping[str, str]) -> wire.ToolReturnPart[Any]:
    """A tool's result; an error goes the provider's own way for errors, where it has one."""
    pieces = [piece for piece in _pieces(result.content) if not isinstance(piece, wire.CachePoint)]
    noted = [result.note, *pieces] if result.note else pieces
    return wire.ToolReturnPart(
        tool_name=result.name or tools.get(result.tool_call_id, "unknown"),
        content=result.text_for_model if all(isinstance(piece, str) for piece in pieces) else noted,
        tool_call_id=result.tool_call_id,
        outcome="failed" if result.is_error else "success",
    )


def _reply(message: Message) -> wire.ModelResponse:
    content = (ContentPart(content=message.content),) if isinstance(message.content, str) else message.content or ()
    parts = [wired for part in content if (wired := _part(part)) is not None]
    stamp = stamp_in(message.metadata)
    for call in message.tool_calls:
        # A provider's reply goes back in its own order, signatures depend on it; elsewhere `index` only counts calls.
        position = call.index if stamp and call.index is not None else len(parts)
        parts.insert(position, _call(call))
    return wire.ModelResponse(parts, **stamp)


def _call(call: ToolCall) -> wire.ToolCallPart[Any]:
    arguments = dict(call.arguments) if isinstance(call.arguments, dict) else call.arguments
    return wire.ToolCallPart(call.name, arguments, call.call_id, **marks_in(call.metadata))


def _part(part: ContentPart) -> wire.ModelResponsePart | None:
    match part.type:
        case PartType.TEXT:
            marks = marks_in(part.options)
            return wire.TextPart(part.content, **marks) if part.content or marks else None
        case PartType.THINKING:
            return wire.ThinkingPart(part.content, **marks_in(part.options, signed=True))
        case PartType.IMAGE | PartType.FILE:
            made = media.to_wire(part)
            return wire.FilePart(made, **marks_in(part.options)) if isinstance(made, wire.BinaryContent) else None
        case PartType.UNSUPPORTED:
            try:
                return ANY_PART.validate_python(part.options.get("part"))
            except ValidationError:
                return None
        case PartType.IMAGE_URL | PartType.FILE_URL:
            return None
