"""A server as they were before 2026, over HTTP: it knows its callers by sessions, and may forget them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from sagents.ports import ServerAddress

INFO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "old", "version": "1"},
}


class OlderSite:
    """`known` are the sessions that it knows, `called` the tools that were called."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.called: list[str] = []
        self.numbers = count(1)
        self.port = 0

    @property
    def address(self) -> ServerAddress:
        return ServerAddress(name="old", url=f"http://127.0.0.1:{self.port}/mcp")

    def answer(self, request: dict[str, Any], session: str | None) -> tuple[int, dict[str, Any], str | None]:
        """Status, body and, of a new session, its id."""
        reply = {"jsonrpc": "2.0", "id": request.get("id")}
        if request["method"] == "initialize":
            session = f"s{next(self.numbers)}"
            self.known.add(session)
            return 200, {**reply, "result": INFO}, session
        if session is None:
            return 400, {**reply, "error": {"code": -32600, "message": "No session"}}, None
        if session not in self.known:
            return 404, {}, None
        if "id" not in request:
            return 202, {}, None
        if request["method"] == "tools/list":
            return 200, {**reply, "result": {"tools": [{"name": "send", "inputSchema": {"type": "object"}}]}}, None
        self.called.append(request["params"]["name"])
        return 200, {**reply, "result": {"content": [{"type": "text", "text": f"{session}: sent"}]}}, None

    @contextmanager
    def open(self) -> Iterator[ServerAddress]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self.address
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(site: OlderSite) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body, session = site.answer(request, self.headers.get("Mcp-Session-Id"))
            data = json.dumps(body).encode() if body else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if body else "text/plain")
            self.send_header("Content-Length", str(len(data)))
            if session:
                self.send_header("Mcp-Session-Id", session)
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self.send_response(405)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
