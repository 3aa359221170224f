"""A real MCP server for the tests: `server.py` on stdio, `server.py PORT` on loopback, where 0 is any and is said."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from pydantic import BaseModel

READS = ToolAnnotations(read_only_hint=True)
ADDS = ToolAnnotations(destructive_hint=False)
AGAIN = ToolAnnotations(destructive_hint=False, idempotent_hint=True)

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)

server = MCPServer("numbers", log_level="CRITICAL")


class Weather(BaseModel):
    city: str
    degrees: int


@server.tool(annotations=READS, title="Adding up")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(annotations=READS)
def weather(city: str) -> Weather:
    """The weather of a city."""
    return Weather(city=city, degrees=21)


@server.tool()
def delete(path: Annotated[str, "what goes"]) -> str:
    """Delete something for good."""
    return f"{path} is gone"


@server.tool(annotations=ADDS)
def fail(why: str) -> str:
    """Fail."""
    raise ToolError(why)


@server.tool(annotations=READS)
def picture() -> Image:
    """Show a picture."""
    return Image(data=PIXEL, format="png")


@server.tool(annotations=READS)
def everything() -> CallToolResult:
    """One of each kind of content."""
    note = TextResourceContents(uri="memo://note", text="Buy milk")
    film = BlobResourceContents(uri="memo://film", blob="AAAA", mime_type="video/mp4")
    link = ResourceLink(name="report", uri="https://example.org/report.pdf")
    return CallToolResult(
        content=[
            TextContent(text="Here:"),
            AudioContent(data="AAAAAAAA", mime_type="audio/wav"),
            link,
            EmbeddedResource(resource=note),
            EmbeddedResource(resource=film),
        ]
    )


@server.tool(annotations=READS)
def who(context: Context[Any, Any]) -> str:
    """Which process this is, and who asks."""
    headers = context.headers or {}
    return f"{os.getpid()} {os.environ.get('COLOUR', '-')} {os.environ.get('SECRET', '-')} {headers.get('x-user', '-')}"


@server.tool(annotations=ADDS)
async def slow(context: Context[Any, Any]) -> str:
    """Say how far it is."""
    await context.report_progress(1, 2, "half of it")
    return "done"


@server.tool(annotations=ADDS)
async def grow(context: Context[Any, Any], called: str) -> str:
    """Offer one more tool."""
    server.add_tool(lambda: "new", name=called, description="A new one.", structured_output=False)
    await context.notify_tools_changed()
    return f"{called} is there"


@server.tool(annotations=ADDS)
def die_once(mark: str) -> str:
    """End this process, unless it has been ended this way before."""
    return _dies_once(mark)


@server.tool(annotations=AGAIN)
def die_once_harmlessly(mark: str) -> str:
    """The same; it may be called twice."""
    return _dies_once(mark)


def _dies_once(mark: str) -> str:
    if Path(mark).exists():
        return "alive"
    Path(mark).touch()
    os._exit(1)


def main() -> None:
    if len(sys.argv) < 2:
        server.run()
        return
    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(server.streamable_http_app(), log_level="error", timeout_graceful_shutdown=0)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
