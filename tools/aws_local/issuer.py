"""Who people are: an issuer of tokens on loopback, whose keys the HTTP API's authorizer fetches."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "sagents"
KEY_ID = "local"
PEOPLE = "sagents:read sagents:write sagents:approve"
HOURS = 12


@dataclass(frozen=True)
class Issuer:
    url: str
    key: RSAPrivateKey

    def token(self, subject: str, scope: str = PEOPLE, hours: float = HOURS, audience: str = AUDIENCE) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": audience, "sub": subject, "scope": scope, "iat": now}
        return jwt.encode({**claims, "exp": now + int(hours * 3600)}, self.key, "RS256", headers={"kid": KEY_ID})


@contextmanager
def issuer() -> Iterator[Issuer]:
    """An issuer with a new key, for as long as this lasts."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    documents: dict[str, Any] = {"/jwks": {"keys": [{**public, "kid": KEY_ID, "alg": "RS256", "use": "sig"}]}}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Documents, documents))
    url = f"http://127.0.0.1:{server.server_port}"
    documents["/.well-known/openid-configuration"] = {"issuer": url, "jwks_uri": f"{url}/jwks"}
    thread = threading.Thread(target=server.serve_forever, name="issuer", daemon=True)
    thread.start()
    yield Issuer(url, key)
    server.shutdown()
    server.server_close()


class _Documents(BaseHTTPRequestHandler):
    def __init__(self, documents: dict[str, Any], *given: Any) -> None:
        self._documents = documents
        super().__init__(*given)

    def do_GET(self) -> None:
        found = self._documents.get(self.path)
        body = json.dumps(found).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: who fetches keys is no news."""
