"""A server as they were before 2026, on stdio: a handshake, two pages of tools, changes told to whoever listens."""

import json
import sys
from typing import Any

tools = ["first", "second"]


def say(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def listed(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("cursor") == "more":
        return {"tools": [_tool(name) for name in tools[1:]]}
    return {"tools": [_tool(name) for name in tools[:1]], "nextCursor": "more"}


def called(params: dict[str, Any]) -> dict[str, Any]:
    if params["name"] == "first":
        tools.append("third")
        say({"method": "notifications/tools/list_changed"})
    return {"content": [{"type": "text", "text": f"{params['name']} was here"}]}


def _tool(name: str) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}}


INFO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {"listChanged": True}},
    "serverInfo": {"name": "old", "version": "1"},
}

for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    params = request.get("params") or {}
    match request["method"]:
        case "initialize":
            say({"id": request["id"], "result": INFO})
        case "tools/list":
            say({"id": request["id"], "result": listed(params)})
        case "tools/call":
            say({"id": request["id"], "result": called(params)})
        case _:
            say({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})
