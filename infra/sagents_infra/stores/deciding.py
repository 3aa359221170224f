"""What a store reads in the texts of people's decisions: where an entry or a rule belongs, and whose a claim is."""

from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel

from sagents.ports import Claim
from sagents.rules import Rule


class KeptRule(NamedTuple):
    """A remembered rule, with what a store finds it by."""

    rule_id: str
    agent_id: str
    key: str
    body: str

    @classmethod
    def of(cls, agent_id: str, body: str) -> "KeptRule":
        rule = _Keyed.model_validate_json(body)
        return cls(rule.id, agent_id, rule.key, body)

    def revoked(self, by: str, at: datetime) -> "KeptRule | None":
        """As it is once somebody took it back; None where somebody did before."""
        rule = Rule.model_validate_json(self.body)
        if rule.revoked_at is not None:
            return None
        return self._replace(body=rule.revoked(by, at).model_dump_json())


def slot_of(entry: str) -> str:
    """The slot of an entry of the decision log."""
    return _Slotted.model_validate_json(entry).slot


def wished(agent_id: str, interrupt_id: str, by: str, until: datetime | None) -> Claim | None:
    """The claim that somebody wants to have; None gives it up."""
    if until is None:
        return None
    return Claim(agent_id=agent_id, interrupt_id=interrupt_id, by=by, until=until)


def claimed_after(held: Claim | None, by: str, wish: Claim | None, now: datetime) -> Claim | None:
    """The claim on an interrupt once `by` has made a wish about it; one that has ended by `now` is none.

    anna  ──claim(until 5)────────────x holds: anna's stays   ──claim─ok→ renewed
    ben   ─────────────────claim(until 9)
    """
    if held is not None and held.by != by and held.holds(now):
        return held
    return wish if wish is not None and wish.holds(now) else None


class _Slotted(BaseModel):
    slot: str


class _Keyed(BaseModel):
    id: str
    key: str
