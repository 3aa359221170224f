"""Who decides: an identity that a door has verified, and the door's signed word for it (DESIGN section 8)."""

from __future__ import annotations

from datetime import datetime

from pydantic.dataclasses import dataclass

from sagents.frozen import Frozen

OPERATOR = "temporal"
"""The channel of those who reach Temporal directly: they are operators, and nobody vouches for who they are."""


@dataclass(frozen=True)
class Principal:
    """A person or program whose identity a door has verified. `expires_at` is when that identity ends."""

    subject: str
    groups: tuple[str, ...] = ()
    tenant: str | None = None
    expires_at: datetime | None = None


class Attestation(Frozen):
    """A door's word that `principal` made decisions on `agent_id` at `at`. `about` is the digest of those decisions.

    `mac` covers all other fields, so that nothing of it can be changed or used for another decision.
    """

    principal: Principal
    channel: str = "api"
    agent_id: str
    at: datetime
    about: str
    key_id: str = ""
    mac: str = ""


class Who(Frozen):
    """Who decided, as the agent believes it, and when. Without a `subject` it was an operator."""

    subject: str | None = None
    groups: tuple[str, ...] = ()
    tenant: str | None = None
    channel: str = OPERATOR
    at: datetime | None = None

    @property
    def is_operator(self) -> bool:
        return self.subject is None

    @property
    def name(self) -> str:
        """One word for logs and for counting heads: all operators together are one."""
        return self.subject if self.subject is not None else "operator"
