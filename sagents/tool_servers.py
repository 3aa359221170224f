"""Servers of tools by their address, through the adapter that is installed."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from sagents.errors import InvalidAgent
from sagents.ports import ServerAddress, ToolServer

GROUP = "sagents.tool_servers"


@cache
def _adapter() -> object:
    for point in entry_points(group=GROUP):
        return point.load()
    raise InvalidAgent("No adapter for MCP servers is installed; `pip install 'sagents[mcp]'` brings one.")


def tool_server(address: ServerAddress) -> ToolServer:
    """The server at this address. Nothing is connected yet. Raises `InvalidAgent` where no adapter is installed."""
    server: ToolServer = _adapter()(address)  # type: ignore[operator]
    return server
