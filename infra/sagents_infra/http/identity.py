"""Who asks: from claims that were verified, by API Gateway or by the local server, and from nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagents.principal import Principal
from sagents_infra.http.problems import MISSING_SCOPE, UNAUTHENTICATED, UNUSABLE_IDENTITY, Refusal

READ, WRITE, APPROVE, ADMIN = (f"sagents:{what}" for what in ("read", "write", "approve", "admin"))
SCOPES = (READ, WRITE, APPROVE, ADMIN)

TENANT = re.compile(r"[A-Za-z0-9._@-]{1,64}")
"""It stands in the ids of its agents, before a colon."""

GROUP_CLAIMS = ("cognito:groups", "groups")
TENANT_CLAIMS = ("custom:tenant", "tenant")


@dataclass(frozen=True)
class Caller:
    """A verified identity, and what its token is good for."""

    principal: Principal
    scopes: frozenset[str]

    @property
    def subject(self) -> str:
        return self.principal.subject

    @property
    def tenant(self) -> str | None:
        return self.principal.tenant

    @property
    def is_admin(self) -> bool:
        """Whether all conversations of the tenant are theirs to see."""
        return ADMIN in self.scopes

    @property
    def scope(self) -> dict[str, Any]:
        """What the agents that they start belong to."""
        return {"owner": self.subject} | ({"tenant": self.tenant} if self.tenant else {})

    def needs(self, *scopes: str) -> None:
        """Raise unless the token has one of these."""
        if not self.scopes & {*scopes}:
            raise Refusal(MISSING_SCOPE, f"This needs a token with the scope {' or '.join(scopes)}.")

    def may_reach(self, scope: Mapping[str, Any]) -> bool:
        """Whether an agent of this scope is theirs: of their tenant and their own, or nobody's in particular."""
        if (scope.get("tenant") or None) != self.tenant:
            return False
        return self.is_admin or scope.get("owner") in (None, "", self.subject)


def caller_of(event: Mapping[str, Any]) -> Caller:
    """Who sends this request (an API Gateway event, payload 2.0). Raises `Refusal` where nobody verified that."""
    jwt = ((event.get("requestContext") or {}).get("authorizer") or {}).get("jwt") or {}
    claims = jwt.get("claims") or {}
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise Refusal(UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    expires_at = _moment(claims.get("exp"))
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise Refusal(UNAUTHENTICATED, "The token has expired.", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return Caller(
        Principal(subject, _groups(claims), _tenant(claims), expires_at),
        frozenset(_words(claims.get("scope")) + _words(claims.get("scp")) + _words(jwt.get("scopes"))),
    )


def _groups(claims: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(group for name in GROUP_CLAIMS for group in _listed(claims.get(name)))


def _tenant(claims: Mapping[str, Any]) -> str | None:
    found = next((claims[name] for name in TENANT_CLAIMS if claims.get(name)), None)
    if found is not None and not (isinstance(found, str) and TENANT.fullmatch(found)):
        raise Refusal(UNUSABLE_IDENTITY, "The token's tenant has 1 to 64 letters, digits and . _ @ -.")
    return found


def _listed(claim: object) -> tuple[str, ...]:
    """A list, as tokens have it, or as API Gateway writes one: `[finance managers]`."""
    if isinstance(claim, str) and claim.startswith("[") and claim.endswith("]"):
        return tuple(claim[1:-1].split())
    if isinstance(claim, str):
        return (claim,) if claim else ()
    return tuple(map(str, claim)) if isinstance(claim, list | tuple) else ()


def _words(claim: object) -> tuple[str, ...]:
    """Words with blanks between, as tokens have scopes, or a list of them."""
    return tuple(word for part in _listed(claim) for word in part.split())


def _moment(claim: object) -> datetime | None:
    """The time of a claim; API Gateway writes numbers as text. One that cannot be read is long ago."""
    if claim is None:
        return None
    try:
        return datetime.fromtimestamp(float(str(claim)), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
