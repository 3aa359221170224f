"""An API of WebSockets as API Gateway shows it to those who push: `POST /STAGE/@connections/ID`, over real HTTP.

moto's server takes every post and knows no connection that is gone, no limit and no trouble; this one answers as AWS
documents it: 410 for who is gone, 413 for what is too long, 429 when told to. It checks that requests are signed.
`DELETE` of the same address hangs up.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

STAGE = "/live"
LONGEST = 32 * 1024
ERRORS = {
    403: "ForbiddenException",
    410: "GoneException",
    413: "PayloadTooLargeException",
    429: "LimitExceededException",
}

Receive = Callable[[dict[str, Any]], None]


class ApiGateway:
    """`answers` are codes for the next posts, in place of 200. No post is answered while it is not open."""

    def __init__(self) -> None:
        self.answers: deque[int] = deque()
        self.is_open = threading.Event()
        self.is_open.set()
        self.posts: list[str] = []
        self._lock = threading.Lock()
        self._sockets: dict[str, Receive] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{STAGE}"

    def connect(self, connection_id: str, receive: Receive) -> None:
        with self._lock:
            self._sockets[connection_id] = receive

    def disconnect(self, connection_id: str) -> None:
        with self._lock:
            self._sockets.pop(connection_id, None)

    def is_connected(self, connection_id: str) -> bool:
        with self._lock:
            return connection_id in self._sockets

    def post(self, connection_id: str, data: bytes) -> int:
        self.is_open.wait(60)
        with self._lock:
            self.posts.append(connection_id)
            receive = self._sockets.get(connection_id)
            if self.answers and (code := self.answers.popleft()) != 200:
                return code
            if receive is None:
                return 410
            if len(data) > LONGEST:
                return 413
            receive(json.loads(data))
        return 200

    @contextmanager
    def serving(self) -> Iterator["ApiGateway"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _handler(gateway: ApiGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            begin, _, connection_id = self.path.partition("/@connections/")
            signed = "/execute-api/aws4_request" in self.headers.get("Authorization", "")
            self._respond(gateway.post(unquote(connection_id), data) if signed and begin.endswith(STAGE) else 403)

        def do_DELETE(self) -> None:
            gateway.disconnect(unquote(self.path.partition("/@connections/")[2]))
            self._respond(204)

        def _respond(self, code: int) -> None:
            body = b"" if code < 300 else b'{"message":"no"}'
            self.send_response(code)
            self.send_header("x-amzn-ErrorType", ERRORS.get(code, "InternalServerErrorException"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests say what happened."""

    return Handler
