"""AWS as Temporal sees it: a role that wants its external id, and functions that run in this process when invoked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ROLE = "arn:aws:iam::123456789012:role/invoker"
EXTERNAL_ID = "a-word-we-chose"

ASSUMED = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>{ROLE}/temporal</Arn><AssumedRoleId>A:temporal</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>key</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""

REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>not authorized to perform sts:AssumeRole</Message></Error></ErrorResponse>"""


class Context:
    """What Lambda tells a function of its invocation."""

    aws_request_id = "request-1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:worker:1"

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


@dataclass
class Lambdas:
    """The functions of an account, by their ARNs, and what became of each invocation."""

    functions: dict[str, Callable[[], None]] = field(default_factory=dict)
    invocations: list[threading.Thread] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    url: str = ""

    def invoke(self, arn: str) -> None:
        def run() -> None:
            try:
                self.functions[arn]()
            except BaseException as error:
                self.failures.append(error)
                raise

        thread = threading.Thread(target=run, name=f"invocation of {arn}")
        self.invocations.append(thread)
        thread.start()

    @property
    def running(self) -> int:
        return sum(thread.is_alive() for thread in self.invocations)

    def environment(self) -> dict[str, str]:
        """How a Temporal server comes here."""
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        return {**keys, "AWS_ENDPOINT_URL_STS": self.url, "AWS_ENDPOINT_URL_LAMBDA": self.url}


@contextmanager
def lambdas() -> Iterator[Lambdas]:
    """An account on loopback."""
    account = Lambdas()

    class Peer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            if "/invocations" in self.path:
                account.invoke(_arn(self.path))
                self.answer(202, "", "application/json")
            elif parse_qs(body).get("ExternalId") == [EXTERNAL_ID]:
                self.answer(200, ASSUMED, "text/xml")
            else:
                self.answer(403, REFUSED, "text/xml")

        def do_GET(self) -> None:
            there = _arn(self.path) in account.functions
            self.answer(200 if there else 404, json.dumps({"Configuration": {"State": "Active"}}), "application/json")

        def answer(self, status: int, body: str, kind: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()


def _arn(path: str) -> str:
    parts = urlsplit(path)
    named = unquote(parts.path).split("/functions/")[1].split("/")[0]
    version = parse_qs(parts.query).get("Qualifier")
    return f"{named}:{version[0]}" if version else named
