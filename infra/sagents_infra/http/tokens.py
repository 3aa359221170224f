"""Bearer tokens, where no gateway has verified them: the local server's, and those of sockets.

Which algorithms count is said here and never by the token; a token without an end, an issuer, an audience or a subject
is none.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from sagents_infra.http.identity import SCOPES
from sagents_infra.http.problems import UNAUTHENTICATED, Refusal

NEEDED = ["exp", "iss", "aud", "sub"]
SKEW = timedelta(seconds=30)
"""How far clocks may be apart."""

ISSUER, AUDIENCE = "sagents-local", "sagents"
"""Of the tokens that the local server gives out itself."""

REFUSED = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.InvalidIssuerError: "The token is of another issuer.",
    jwt.InvalidAudienceError: "The token is for somebody else.",
    jwt.InvalidSignatureError: "The token's signature is wrong.",
    jwt.InvalidAlgorithmError: "The token's signature is of a kind that is not taken.",
    jwt.MissingRequiredClaimError: "The token lacks a claim.",
}


@dataclass(frozen=True)
class Verifier:
    """Knows whose tokens count, for whom, and by which keys.

    `keys` is a secret or a public key, or the address where the issuer shows its keys (JWKS).
    """

    issuer: str
    audience: str
    keys: str | bytes
    algorithms: tuple[str, ...] = ("RS256", "ES256")

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a token says. Raises `Refusal` for any doubt."""
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=list(self.algorithms),
                issuer=self.issuer,
                audience=self.audience,
                leeway=SKEW,
                options={"require": NEEDED},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Refusal(UNAUTHENTICATED, "The issuer's keys are out of reach.") from error
        except jwt.PyJWTError as error:
            raise refused(next((why for kind, why in REFUSED.items() if isinstance(error, kind)), "")) from None
        return claims

    def _key(self, token: str) -> Any:
        if isinstance(self.keys, str) and self.keys.startswith(("https://", "http://")):
            return _client(self.keys).get_signing_key_from_jwt(token).key
        return self.keys


@dataclass(frozen=True)
class LocalIssuer:
    """Gives out tokens on one machine, and believes them."""

    secret: bytes

    def token(
        self,
        subject: str,
        *,
        groups: tuple[str, ...] = (),
        tenant: str | None = None,
        scopes: tuple[str, ...] = SCOPES,
        valid_for: timedelta = timedelta(hours=12),
    ) -> str:
        """A token for this person."""
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + valid_for,
            "scope": " ".join(scopes), "groups": list(groups),
        }  # fmt: skip
        return jwt.encode(claims | ({"tenant": tenant} if tenant else {}), self.secret, algorithm="HS256")

    @property
    def verifier(self) -> Verifier:
        return Verifier(ISSUER, AUDIENCE, self.secret, ("HS256",))


def bearer(header: str | None) -> str:
    """The token of an `Authorization` header. Raises `Refusal` where there is none."""
    kind, _, token = (header or "").strip().partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Refusal(UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    return token.strip()


def left(claims: Mapping[str, Any]) -> float | None:
    """Seconds until the token ends; None where it does not."""
    return max(float(claims["exp"]) - time.time(), 0.0) if "exp" in claims else None


def refused(why: str = "") -> Refusal:
    """A token that is none."""
    return Refusal(
        UNAUTHENTICATED, why or "The token cannot be read.", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )


_CLIENTS: dict[str, jwt.PyJWKClient] = {}


def _client(address: str) -> jwt.PyJWKClient:
    """It remembers keys, so that an issuer is asked seldom."""
    return _CLIENTS.setdefault(address, jwt.PyJWKClient(address, cache_keys=True, timeout=5))
