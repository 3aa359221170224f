"""The part of `AgentServer` that hands people's decisions to agents.

    person ─▶ door ── decision, signed word for who it is ──▶ agent ─▶ DecisionAnswer, or a typed refusal

Without a `principal` whoever decides is an operator, as for anybody who reaches Temporal directly (DESIGN section 8).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sagents import contract
from sagents.attesting import attest
from sagents.client import payloads
from sagents.client.payloads import Decisions, Payload
from sagents.client.reach import Reach, new_id
from sagents.client.reading import read_interrupts
from sagents.commands import Resume
from sagents.contract import Accepted, DecisionAnswer
from sagents.decision_log import Remember
from sagents.decisions import Decision
from sagents.errors import CannotResume, InvalidInput, SagentsError
from sagents.inbox import InboxItem
from sagents.principal import OPERATOR, Principal
from sagents.status import Status

AT_ONCE = 20
"""So many decisions are under way side by side."""


@dataclass(frozen=True)
class DecidedItem:
    """What a decision about one item of several came to: an answer, or the error that only this one met."""

    item: InboxItem
    answer: DecisionAnswer | None = None
    error: SagentsError | None = None


class Deciding(Reach):
    """Decisions wake an agent that sleeps, and it wakes with them in hand (B-123).

    Each call has an update id of its own, the same for all its tries. That a repeated decision counts once is the
    agent's doing: Temporal would give a repeated id the first *refusal* again, after it had long become right.
    """

    async def decide(
        self,
        agent_id: str,
        interrupt_id: str,
        decision: Decision,
        *,
        digest: str | None = None,
        principal: Principal | None = None,
        remember: Remember | None = None,
        channel: str = "api",
    ) -> DecisionAnswer:
        """Decide about one interrupt; the same decision again gets the same answer.

        With a `digest` it is about the call that was seen and no other. It is `pending` while more people have to
        agree. Raises one of the `DecisionRefused`, and then nothing has changed: `DecisionConflict`, `InterruptGone`,
        `InterruptUnknown`, `DigestMismatch`, `InvalidDecision`, `Forbidden`.
        """
        payload = payloads.decision(interrupt_id, decision, digest, remember)
        if principal is not None:
            decided = contract.parse_decide(payload)
            payload["attestation"] = await self._attested(agent_id, decided, principal, channel)
        accepted = await self._tell_or_wake(agent_id, contract.DECIDE, payload, new_id("dec"))
        return accepted.decisions[0]

    async def resume(
        self, agent_id: str, decisions: Decisions = (), *, principal: Principal | None = None, channel: str = "api"
    ) -> Accepted:
        """Answer what waits: decisions in the order of the open interrupts, or `Answering`s that name theirs.

        Without any, a paused run goes on. Raises `CannotResume`, and then nothing has changed (B-62). With a
        `principal` each decision is bound to the interrupt that waits at its place now.
        """
        written = payloads.decisions(decisions)
        given: list[Payload] | Payload = written
        if principal is not None:
            named = await self._named(agent_id, written)
            attestation = await self._attested(agent_id, contract.parse_resume(named), principal, channel)
            given = {"decisions": named, "attestation": attestation}
        return await self._tell_or_wake(agent_id, contract.RESUME, given, new_id("res"))

    async def decide_all(
        self,
        items: Iterable[InboxItem],
        decision: Decision,
        *,
        principal: Principal | None = None,
        remember: Remember | None = None,
        channel: str = "api",
    ) -> list[DecidedItem]:
        """The same decision about many items of the inbox, each about the call that the item shows.

        One that fails harms no other. What comes back is in the order of the items.
        """
        few = asyncio.Semaphore(AT_ONCE)

        async def decided(item: InboxItem) -> DecidedItem:
            interrupt = item.interrupt
            async with few:
                try:
                    answer = await self.decide(
                        item.agent_id,
                        interrupt.id,
                        decision,
                        digest=interrupt.digest or None,
                        principal=principal,
                        remember=remember,
                        channel=channel,
                    )
                except SagentsError as error:
                    return DecidedItem(item, error=error)
                return DecidedItem(item, answer)

        return await asyncio.gather(*map(decided, items))

    async def _named(self, agent_id: str, given: list[Payload]) -> list[Payload]:
        """Each decision with the interrupt that it is about: what is signed says which one is meant."""
        if all(one.get("interrupt_id") for one in given):
            return given
        waiting = await read_interrupts(self._line, self._store, contract.check_agent_id(agent_id))
        if any(one.get("interrupt_id") for one in given) or len(given) != len(waiting):
            raise CannotResume(
                agent_id,
                str(Status.INTERRUPTED if waiting else Status.IDLE),
                f"{len(given)} decision(s) do not fit the {len(waiting)} interrupt(s) that wait; name each by its id",
            )
        return [one | {"interrupt_id": interrupt.id} for one, interrupt in zip(given, waiting, strict=True)]

    async def _attested(self, agent_id: str, decided: Resume, principal: Principal, channel: str) -> Payload:
        """Our signed word for who makes these decisions, and when."""
        if self._signer is None:
            raise InvalidInput(
                f"Nobody can vouch for {principal.subject!r}: this AgentServer has no signer. Give it one by "
                "`AgentServer(..., signer=...)`, or set SAGENTS_SIGNING_KEYS here and for the workers."
            )
        if channel == OPERATOR:
            raise InvalidInput(f"The channel {OPERATOR!r} is that of operators; name the one that knows the principal.")
        attestation = await attest(
            self._signer, principal, agent_id, decided.decisions, datetime.now(UTC), channel=channel
        )
        return attestation.model_dump(mode="json")
