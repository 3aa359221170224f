"""A program on loopback that gets notices, and notices to send."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from sagents.inbox import InboxItem
from sagents.ports import Notice
from sagents_infra.identity import KeyRing
from sagents_infra.notify.inviting import Inviting
from tests.infra.links.questions import question

KEYS = KeyRing.parse(f"key:{'k' * 43}")
BASE = "https://agents.example.com"
INVITING = Inviting(KEYS, BASE)
SECRET = "of this test"


def notice(item: InboxItem | None = None, kind: str = "requested", targets: tuple[str, ...] = ()) -> Notice:
    item = item or question({"order": "7", "card": "4000 0000 0000 0002"})
    slot = f"{item.agent_id}:{item.interrupt.id}:{kind}"
    text = item.model_dump_json()
    return Notice(
        id=slot, kind=kind, agent_id=item.agent_id, interrupt_id=item.interrupt.id, item=text, targets=targets
    )


@dataclass
class Receiver:
    """Answers with each of `answers`, then with 200; keeps what came."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.got]


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    """It, while inside."""
    found = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, dict(self.headers), body))
            status = found.answers.pop(0) if found.answers else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{found.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
