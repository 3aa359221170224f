"""A line to a server that can go dead, as one does behind a function that was frozen for hours.

Whoever translated its addresses has forgotten the connections: what is sent into them is lost, nothing comes back,
and nobody says so. New ones reach the server.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Line:
    """Listens on loopback, at a port or any, and leads to `target`, as `host:port`."""

    def __init__(self, target: str, port: int = 0) -> None:
        host, _, number = target.rpartition(":")
        self._target = host, int(number)
        self._listening = socket.create_server(("127.0.0.1", port))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.connections = 0
        self._lost = threading.Event()
        self._ends: list[socket.socket] = []

    def forget(self) -> None:
        """From now on the connections that there are lead nowhere."""
        self._lost.set()
        self._lost = threading.Event()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._target)
                self.connections += 1
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink, self._lost), daemon=True).start()

    def close(self) -> None:
        for end in (self._listening, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _pump(source: socket.socket, sink: socket.socket, lost: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if not lost.is_set():
                sink.sendall(data)
    if not lost.is_set():
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def line_to(target: str, port: int = 0) -> Iterator[Line]:
    line = Line(target, port)
    threading.Thread(target=line._serve, daemon=True).start()
    try:
        yield line
    finally:
        line.close()
