"""MCP servers as servers of tools, by the official SDK (`pip install 'sagents[mcp]'`)."""

from sagents.errors import InvalidAgent
from sagents.ports import ServerAddress, ToolServer

__all__ = ["connect"]


def connect(address: ServerAddress) -> ToolServer:
    """The entry point `sagents.tool_servers`. Raises `InvalidAgent` where the SDK is not installed."""
    try:
        from sagents_infra.mcp.pool import PooledServer
    except ImportError as error:
        raise InvalidAgent(f"MCP servers need the SDK: `pip install 'sagents[mcp]'` ({error}).") from error
    return PooledServer(address)
