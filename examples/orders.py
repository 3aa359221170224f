"""The shop's orders, as an MCP server on stdio: the program that `examples/office.py` starts."""

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

ORDERS = {"7": "order 7: a lamp for Ann, 2000 cents, sent on Monday, never delivered"}

server = MCPServer("orders", log_level="CRITICAL")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def find(order: str) -> str:
    """Find an order by its number."""
    return ORDERS.get(order, f"there is no order {order}")


if __name__ == "__main__":
    server.run()
