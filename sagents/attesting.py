"""A door's word for who decided: given with a signature, believed only for exactly these decisions.

    door:   attest(signer, principal, decisions)  ->  Attestation  ->  workflow, history: no key, nothing to trust
    worker: attested(signer, attestation, ...)    ->  Who, or `Forbidden`, which says what is wrong with it

Decisions name their interrupt: a word for "whatever waits" could be sent again when something else waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from sagents.commands import Answering
from sagents.digests import digest_of
from sagents.errors import Forbidden, InvalidInput
from sagents.ports import Signer
from sagents.principal import Attestation, Principal, Who
from sagents.status import Status

VALID_FOR = timedelta(hours=24)
"""How long a word holds: so long may an agent that is called to a decision stay away."""
SKEW = timedelta(seconds=60)
"""How far the clock of a door may be ahead of the worker's."""

PURPOSE = b"sagents attestation 1\n"
"""Signed with it, so that nothing else that a key ever signs passes for an attestation."""


async def attest(
    signer: Signer,
    principal: Principal,
    agent_id: str,
    decisions: tuple[Answering, ...],
    at: datetime,
    channel: str = "api",
) -> Attestation:
    """The word of a door that has verified who `principal` is. Raises `InvalidInput` where it could not be believed."""
    if problem := _not_attestable(principal, decisions, at):
        raise InvalidInput(problem)
    word = Attestation(principal=principal, channel=channel, agent_id=agent_id, at=at, about=_about(decisions))
    key_id, mac = await signer.sign(_signed(word))
    return word.but(key_id=key_id, mac=mac)


async def attested(
    signer: Signer,
    attestation: Attestation,
    agent_id: str,
    tenant: str | None,
    decisions: tuple[Answering, ...],
    now: datetime,
) -> Who:
    """Who made these decisions on this agent of `tenant`. Raises `Forbidden`, with the reason, for any doubt."""
    problem = await _unsigned(signer, attestation) or _misused(attestation, agent_id, tenant, decisions, now)
    if problem:
        raise Forbidden(agent_id, str(Status.INTERRUPTED), problem)
    principal = attestation.principal
    return Who(
        subject=principal.subject,
        groups=principal.groups,
        tenant=principal.tenant,
        channel=attestation.channel,
        at=attestation.at,
    )


def _not_attestable(principal: Principal, decisions: tuple[Answering, ...], at: datetime) -> str | None:
    if not principal.subject:
        return "A principal without a subject is nobody; a decision needs somebody who made it."
    if not _names_all(decisions):
        return "A signed decision names its interrupt; look the pending ones up and give their `interrupt_id`."
    if any(moment is not None and moment.tzinfo is None for moment in (at, principal.expires_at)):
        return "The times of a signed decision have a time zone; give `datetime`s with one (`tz=UTC`)."
    return None


async def _unsigned(signer: Signer, word: Attestation) -> str | None:
    if not await signer.knows(word.key_id):
        return (
            f"The decision is signed by the key {word.key_id!r}, which this worker does not know, or no longer: "
            "doors and workers need the same SAGENTS_SIGNING_KEYS."
        )
    genuine = await signer.verify(word.key_id, _signed(word), word.mac)
    return None if genuine else "The signature of the decision is wrong: it was forged, or changed after it was signed."


def _misused(
    word: Attestation, agent_id: str, tenant: str | None, decisions: tuple[Answering, ...], now: datetime
) -> str | None:
    principal = word.principal
    if problem := _not_attestable(principal, decisions, word.at):
        return problem
    if word.agent_id != agent_id:
        return f"The signature is for a decision on the agent {word.agent_id!r}, not on {agent_id!r}."
    if word.about != _about(decisions):
        return "The signature is for another decision than this one."
    if tenant is not None and principal.tenant != tenant:
        return f"{principal.subject} belongs to another tenant than the agent."
    return _untimely(word, now)


def _untimely(word: Attestation, now: datetime) -> str | None:
    principal = word.principal
    if principal.expires_at is not None and principal.expires_at <= word.at:
        return (
            f"The identity of {principal.subject} had expired at {principal.expires_at.isoformat()}, before it decided."
        )
    if word.at > now + SKEW:
        return (
            f"The decision is from the future ({word.at.isoformat()}); the clock of the door that signed it is wrong."
        )
    if word.at <= now - VALID_FOR:
        return f"The signature is too old ({word.at.isoformat()}): it holds for 24 hours; decide once more."
    return None


def _names_all(decisions: Iterable[Answering]) -> bool:
    return all(answering.interrupt_id for answering in decisions)


def _about(decisions: Iterable[Answering]) -> str:
    # In Python's own values: as JSON an infinite number would be null, and one signature would be for both.
    return digest_of([answering.model_dump() for answering in decisions])


def _signed(word: Attestation) -> bytes:
    """What the signature covers: all but itself. A field that an older worker does not know is kept and covered too."""
    fields = word.model_dump(mode="json", exclude={"key_id", "mac"}, exclude_defaults=True)
    return PURPOSE + json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
