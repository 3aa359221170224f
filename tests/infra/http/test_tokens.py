"""Tokens that no gateway has verified: what is believed, and what is not."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sagents_infra.http.problems import UNAUTHENTICATED, Refusal
from sagents_infra.http.tokens import LocalIssuer, Verifier, bearer

KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
VERIFIER = Verifier("https://issuer.example", "sagents", PUBLIC, ("RS256",))


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    given = {"iss": "https://issuer.example", "aud": "sagents", "sub": "ann", "exp": now + timedelta(hours=1)}
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def signed(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": "1"})


def unsigned() -> str:
    """By hand, with `alg: none`."""
    head = {"alg": "none", "typ": "JWT"}
    body = claims(exp=int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, body))
    return f"{'.'.join(parts)}."


def hmac_with_the_public_key() -> str:
    """A verifier that believes the token's own `alg` takes this."""
    import hashlib
    import hmac

    head = {"alg": "HS256", "typ": "JWT"}
    body = claims(exp=int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
    signing = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (head, body))
    mac = hmac.new(PUBLIC.encode(), signing.encode(), hashlib.sha256).digest()
    return f"{signing}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
FALSE = {
    "malformed": lambda: "abc",
    "three words": lambda: "a.b.c",
    "expired": lambda: signed(exp=LONG_AGO),
    "another issuer": lambda: signed(iss="https://evil.example"),
    "another audience": lambda: signed(aud="others"),
    "another key": lambda: signed(OTHER),
    "alg none": unsigned,
    "the public key as a secret": hmac_with_the_public_key,
    "no end": lambda: signed(exp=None),
    "no issuer": lambda: signed(iss=None),
    "no audience": lambda: signed(aud=None),
    "no subject": lambda: signed(sub=None),
    "not yet": lambda: signed(nbf=datetime.now(UTC) + timedelta(hours=1)),
}


def test_a_token_of_the_issuer_for_us_is_believed() -> None:
    assert VERIFIER.claims(signed())["sub"] == "ann"


@pytest.mark.parametrize("token", FALSE.values(), ids=FALSE)
def test_what_is_no_such_token_is_refused(token: Any) -> None:
    with pytest.raises(Refusal) as refused:
        VERIFIER.claims(token())
    assert refused.value.kind is UNAUTHENTICATED
    assert refused.value.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_from_this_folder_counts_in_this_folder_only() -> None:
    mine, theirs = LocalIssuer(b"m" * 32), LocalIssuer(b"t" * 32)
    token = mine.token("ann", groups=("finance",), tenant="acme", scopes=("sagents:read",))
    found = mine.verifier.claims(token)
    assert (found["sub"], found["groups"], found["tenant"], found["scope"]) == (
        "ann",
        ["finance"],
        "acme",
        "sagents:read",
    )
    with pytest.raises(Refusal, match="signature is wrong"):
        theirs.verifier.claims(token)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "token"])
def test_a_header_without_a_bearer_token_names_nobody(header: str | None) -> None:
    with pytest.raises(Refusal):
        bearer(header)
    assert bearer("bearer abc ") == "abc"


@pytest.fixture
def issuer() -> Iterator[str]:
    """A place where an issuer shows its public keys (JWKS)."""
    shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "1", "use": "sig"}

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [shown]}).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    server.shutdown()
    thread.join()
    server.server_close()


def test_keys_are_found_where_the_issuer_shows_them(issuer: str) -> None:
    verifier = Verifier("https://issuer.example", "sagents", issuer, ("RS256",))
    assert verifier.claims(signed())["sub"] == "ann"
    with pytest.raises(Refusal):
        verifier.claims(signed(OTHER))
