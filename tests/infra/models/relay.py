"""A relay between a model and its provider: keeps what was asked, knows what is open, can break the line."""

import asyncio
import json
import re
from typing import Any, Self
from urllib.parse import urlsplit


class Relay:
    """Carries bytes to the peer and back."""

    def __init__(self, peer: str) -> None:
        self._peer = urlsplit(peer)
        self._sent: list[bytearray] = []
        self._lines: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.answering = asyncio.Event()
        """The peer's first bytes went by."""
        self.left = asyncio.Event()
        """A caller closed its connection."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.break_line()
        self._server.close()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The bodies of all requests, as the provider's API has them."""
        bodies: list[dict[str, Any]] = []
        for sent in self._sent:
            requests = re.split(rb"(?:^|(?<=\}))POST [^ ]+ HTTP/1\.1\r\n", bytes(sent))[1:]
            bodies += [json.loads(request.partition(b"\r\n\r\n")[2]) for request in requests]
        return bodies

    async def nobody_left(self) -> None:
        """Returns when every caller has closed its connection."""
        await asyncio.gather(*self._carrying)

    def break_line(self) -> None:
        """Reset every connection, on both sides."""
        for line in self._lines:
            line.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        sent = bytearray()
        self._sent.append(sent)
        assert self._peer.hostname is not None
        peer_reader, peer_writer = await asyncio.open_connection(self._peer.hostname, self._peer.port)
        self._lines |= {writer, peer_writer}
        await asyncio.gather(self._there(reader, peer_writer, sent), self._back(peer_reader, writer))

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytearray) -> None:
        try:
            while data := await reader.read(65536):
                sent += data
                writer.write(data)
        except ConnectionError:
            pass
        self.left.set()
        writer.close()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                self.answering.set()
        except ConnectionError:
            pass
        writer.close()
