"""What MCP servers say, in our words."""

from __future__ import annotations

from typing import assert_never

from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    Tool,
)
from pydantic_core import to_json

from sagents.clipping import clipped
from sagents.messages import ContentPart, PartType
from sagents.ports import ServerAnswer, ServerTool

MAX_DESCRIPTION = 8_000
SEEN = {"image/png", "image/jpeg", "image/gif", "image/webp"}
"""The images that models see; any other kind of file could make a provider refuse the conversation from then on."""


def tool_of(tool: Tool) -> ServerTool:
    """A tool, and what its server says of it; without hints it may change things, as the specification has it."""
    hints = tool.annotations
    read_only = bool(hints and hints.read_only_hint)
    return ServerTool(
        name=tool.name,
        title=tool.title or (hints.title if hints else None) or "",
        description=clipped(tool.description or "", MAX_DESCRIPTION),
        parameters=tool.input_schema,
        read_only=read_only,
        destructive=not read_only and not (hints and hints.destructive_hint is False),
        idempotent=bool(hints and hints.idempotent_hint),
    )


def answer_of(result: CallToolResult) -> ServerAnswer:
    """A result for the model, and its structured part for programs."""
    parts = tuple(_part(block) for block in result.content)
    if not parts and result.structured_content is not None:
        parts = (_text(to_json(result.structured_content).decode()),)
    return ServerAnswer(content=parts, value=result.structured_content, is_error=result.is_error)


def _part(block: ContentBlock) -> ContentPart:
    match block:
        case TextContent():
            return _text(block.text)
        case ImageContent():
            return _file(block.data, block.mime_type, "an image")
        case AudioContent():
            return _file(block.data, block.mime_type, "a recording")
        case ResourceLink():
            about = f" ({block.description})" if block.description else ""
            return _text(f"Resource {block.title or block.name}: {block.uri}{about}")
        case EmbeddedResource(resource=resource):
            if isinstance(resource, BlobResourceContents):
                return _file(resource.blob, resource.mime_type or "application/octet-stream", resource.uri)
            return _text(f"Resource {resource.uri}:\n{resource.text}")
        case _:
            assert_never(block)


def _file(data: str, media_type: str, what: str) -> ContentPart:
    if media_type in SEEN:
        return ContentPart(type=PartType.IMAGE, content=data, options={"media_type": media_type})
    return _text(f"[{what}, {media_type}, {len(data) * 3 // 4:,} bytes: it cannot be shown here]")


def _text(text: str) -> ContentPart:
    return ContentPart(content=text)
