"""Decisions that people want remembered: the same call is not asked about again."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from urllib.parse import quote

from sagents.frozen import Frozen
from sagents.principal import Who
from sagents.terms import RememberScope


class Rule(Frozen):
    """A decision that holds for later calls of `tool`, where `key` says whose; with `digest`, for one call only.

    `key` comes from `rule_key`. `id` derives from the decision, so that writing it twice is writing it once.
    """

    id: str
    key: str
    scope: RememberScope
    tool: str
    verdict: Literal["approve", "reject"] = "approve"
    digest: str = ""
    agent_id: str = ""
    tenant: str | None = None
    who: Who = Who()
    agreed: tuple[Who, ...] = ()
    """All who agreed, where more than one had to."""
    at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def holds(self, tool: str, digest: str, now: datetime) -> bool:
        """Whether it decides about this call now."""
        in_time = self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
        return in_time and self.tool == tool and self.digest in ("", digest)

    def revoked(self, by: str, at: datetime) -> Self:
        """As it is once somebody took it back, which is for good."""
        return self.but(revoked_by=by, revoked_at=at)


def rule_key(scope: RememberScope, *, agent_id: str, run_id: str, owner: str | None, tenant: str | None) -> str | None:
    """Where a rule of this scope is kept; None where nobody is known as the owner of the agent."""
    match scope:
        case "run":
            return f"run:{agent_id}:{run_id}"
        case "conversation":
            return f"conversation:{agent_id}"
        case "user":
            return None if owner is None else f"user:{_plain(tenant)}:{owner}"


def _plain(tenant: str | None) -> str:
    """Without colons, so that no tenant and owner run together into another pair; none is not an empty one."""
    return "" if tenant is None else quote(tenant, safe="") or "%"
