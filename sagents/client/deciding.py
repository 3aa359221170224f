"""The part of `AgentServer` that hands people's decisions to agents.

    person ─▶ door ── decision, signed word for who it is ──▶ agent ─▶ DecisionAnswer, or a typed refusal

Without a `principal` whoever decides is an operator, as for anybody who reaches Temporal directly (DESIGN section 8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sagents import contract
from sagents.client import payloads
from sagents.client.payloads import Decisions, Payload
from sagents.client.reach import Reach, new_id
from sagents.client.reading import read_waiting
from sagents.errors import (
    AgentNotFound,
    CannotResume,
    InterruptGone,
    InterruptUnknown,
    InvalidInput,
    SagentsError,
)
from sagents.status import Status

if TYPE_CHECKING:
    from sagents.briefs import Waiting
    from sagents.commands import Resume
    from sagents.contract import Accepted, DecisionAnswer
    from sagents.decision_log import Remember
    from sagents.decisions import Decision
    from sagents.inbox import InboxItem
    from sagents.principal import Principal

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

        async def decided(whose: str) -> DecisionAnswer:
            if principal is not None:
                command = contract.parse_decide(payload)
                payload["attestation"] = await self._attested(whose, command, principal, channel)
            return (await self._told(whose, interrupt_id, contract.DECIDE, payload, new_id("dec"))).decisions[0]

        try:
            return await decided(agent_id)
        except InterruptUnknown:
            below = await self._asker(agent_id, interrupt_id)
            if below is None:
                raise
        return await decided(below)

    async def resume(
        self, agent_id: str, decisions: Decisions = (), *, principal: Principal | None = None, channel: str = "api"
    ) -> Accepted:
        """Answer what waits: decisions in the order of the open interrupts, or `Answering`s that name theirs.

        Without any, a paused run goes on. Raises `CannotResume`, and then nothing has changed (B-62). With a
        `principal` each decision is bound to the interrupt that waits at its place now.
        """
        written = payloads.decisions(decisions)
        try:
            return await self._resume(agent_id, written, principal, channel)
        except CannotResume:
            below = await self._below(agent_id, written)
            if below is None:
                raise
        return await self._resume_all(below, principal, channel)

    async def _resume(
        self, agent_id: str, written: list[Payload], principal: Principal | None, channel: str
    ) -> Accepted:
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

    async def _told(self, agent_id: str, interrupt_id: str, command: str, payload: Payload, update_id: str) -> Accepted:
        """A sub-agent that has ended asks nobody any more; it is not woken for an answer."""
        try:
            return await self._tell_or_wake(agent_id, command, payload, update_id)
        except AgentNotFound:
            if not contract.is_sub_agent(agent_id):
                raise
        why = f"Interrupt {interrupt_id!r} was not decided: the sub-agent that asked has ended"
        raise InterruptGone(agent_id, str(Status.NOT_RUNNING), why, interrupt_id)

    async def _asker(self, agent_id: str, interrupt_id: str) -> str | None:
        """The sub-agent that asks, or has asked, with this interrupt."""
        from sagents.inbox import item_of

        for one in await self._waiting(agent_id):
            if one.interrupt.id == interrupt_id and one.agent_id != agent_id:
                return one.agent_id
        items = [item_of(one) for one in await self._store.interrupts()]
        mine = (one for one in items if one.agent_id.startswith(f"{agent_id}/") and one.interrupt.id == interrupt_id)
        return next((one.agent_id for one in mine), None)

    async def _waiting(self, agent_id: str) -> tuple[Waiting, ...]:
        return await read_waiting(self._line, self._store, contract.check_address(agent_id))

    async def _below(self, agent_id: str, written: list[Payload]) -> dict[str, Resume] | None:
        """The decisions by agent, where sub-agents are among those who ask; None where this agent alone does."""
        from sagents.briefs import routed

        waiting = await self._waiting(agent_id) if written else ()
        if all(one.agent_id == agent_id for one in waiting):
            return None
        parts = routed(agent_id, waiting, contract.parse_resume(written))
        return parts if parts.keys() != {agent_id} else None

    async def _resume_all(self, parts: dict[str, Resume], principal: Principal | None, channel: str) -> Accepted:
        """Decisions for several agents, each of which takes its own; the answers are in the order of the agents."""
        answers: list[DecisionAnswer] = []
        for whose, part in parts.items():
            payload: Payload = part.model_dump(mode="json", include={"decisions"})
            if principal is not None:
                payload["attestation"] = await self._attested(whose, part, principal, channel)
            first = part.decisions[0].interrupt_id or ""
            answers += (await self._told(whose, first, contract.RESUME, payload, new_id("res"))).decisions
        return contract.Accepted(decisions=tuple(answers))

    async def _named(self, agent_id: str, given: list[Payload]) -> list[Payload]:
        """Each decision with the interrupt that it is about: what is signed says which one is meant."""
        if all(one.get("interrupt_id") for one in given):
            return given
        waiting = await self._waiting(agent_id)
        if any(one.get("interrupt_id") for one in given) or len(given) != len(waiting):
            raise CannotResume(
                agent_id,
                str(Status.INTERRUPTED if waiting else Status.IDLE),
                f"{len(given)} decision(s) do not fit the {len(waiting)} interrupt(s) that wait; name each by its id",
            )
        return [one | {"interrupt_id": shown.interrupt.id} for one, shown in zip(given, waiting, strict=True)]

    async def _attested(self, agent_id: str, decided: Resume, principal: Principal, channel: str) -> Payload:
        """Our signed word for who makes these decisions, and when."""
        from sagents.attesting import attest
        from sagents.principal import OPERATOR

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
