"""The part of `AgentServer` that looks over all that waits for people, and over what they decided. Reads the store

alone: neither Temporal nor a worker is asked, so it answers alike for agents that run, wait and sleep.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sagents import contract
from sagents.client.reach import Reach
from sagents.errors import Damaged, InterruptUnknown, InvalidInput
from sagents.interrupt_status import InterruptStatus

if TYPE_CHECKING:
    from pydantic import JsonValue

    from sagents.decision_log import Row
    from sagents.inbox import InboxItem, Wanted
    from sagents.ports import Claim
    from sagents.principal import Principal
    from sagents.rules import Rule
    from sagents.terms import RememberScope

PAGE = 500


class Inbox(Reach):
    """Interrupts of all agents, claims on them, the log of decisions, and the rules that were left behind."""

    async def inbox(
        self,
        *,
        status: InterruptStatus | str | None = InterruptStatus.PENDING,
        tool: str | None = None,
        reason: str | None = None,
        agent: str | None = None,
        agent_id: str | None = None,
        risk: str | None = None,
        tenant: str | None = None,
        approver: Principal | None = None,
        claimed: bool | None = None,
        older_than: timedelta | None = None,
        argument: Mapping[str, JsonValue] | None = None,
        limit: int | None = None,
    ) -> list[InboxItem]:
        """What waits for people, oldest first; what is not given does not matter.

        `approver` is for whom it has to be, `argument` names values of the call, `claimed` says whether somebody looks
        after it. `status` is `pending`, `expired` (nobody has noticed yet) or None for both.
        """
        from sagents.inbox import listed

        wanted = _wanted(
            {
                "status": status,
                "tool": tool,
                "reason": reason,
                "agent": agent,
                "agent_id": agent_id,
                "risk": risk,
                "tenant": tenant,
                "approver": approver,
                "claimed": claimed,
                "older_than": older_than,
                "argument": argument,
            }
        )
        waiting = await self._store.interrupts(agent_id)
        claims = await self._store.claims(agent_id) if waiting else ()
        return listed(waiting, claims, wanted, datetime.now(UTC))[:limit]

    async def claim(
        self, agent_id: str, interrupt_id: str, by: str, *, for_: timedelta = timedelta(minutes=15)
    ) -> Claim:
        """Say that somebody looks after an interrupt; the claim that holds now, which may be another's (see its `by`).

        A claim keeps nobody from deciding. Raises `InterruptUnknown` where it does not wait.
        """
        if not by or for_ <= timedelta():
            raise InvalidInput(f"A claim has a name and lasts some time: not {by!r} for {for_}.")
        items = await self.inbox(agent_id=contract.check_address(agent_id), status=None)
        if not any(item.interrupt.id == interrupt_id for item in items):
            raise InterruptUnknown(
                agent_id, "", f"Nothing waits under the id {interrupt_id!r} for {agent_id!r}.", interrupt_id
            )
        from sagents.ports import Claim

        now = datetime.now(UTC)
        claim = await self._store.claim(agent_id, interrupt_id, by, now + for_, now)
        return claim or Claim(agent_id=agent_id, interrupt_id=interrupt_id, by=by, until=now + for_)

    async def release(self, agent_id: str, interrupt_id: str, by: str) -> bool:
        """Give up one's claim; False where another's holds."""
        return await self._store.claim(agent_id, interrupt_id, by, None, datetime.now(UTC)) is None

    async def decision_log(self, agent_id: str) -> list[Row]:
        """Who decided what about this agent's interrupts, oldest first. Raises `Damaged` where a row is unreadable."""
        contract.check_address(agent_id)
        rows: list[Row] = []
        while page := await self._store.logged(agent_id, after=rows[-1].number if rows else 0, limit=PAGE):
            rows += [_row(agent_id, text) for text in page]
        return rows

    async def verify_log(self, agent_id: str) -> str | None:
        """Where the log of decisions is not what was written, in words; None where it is whole."""
        from sagents.decision_log import broken

        try:
            rows = await self.decision_log(agent_id)
        except Damaged as error:
            return str(error)
        if foreign := next((row for row in rows if row.agent_id != agent_id), None):
            return f"row {foreign.number} belongs to the log of {foreign.agent_id!r}"
        return broken(rows)

    async def logged_agents(self) -> list[str]:
        """Ids of all agents that have a log of decisions, sorted."""
        return list(await self._store.logs())

    async def rules(
        self,
        *,
        agent_id: str | None = None,
        tool: str | None = None,
        scope: RememberScope | None = None,
        tenant: str | None = None,
        ended: bool = False,
    ) -> list[Rule]:
        """Remembered decisions, oldest first; with `ended` also those that were revoked or whose time is over."""
        from sagents.rules import Rule

        now = datetime.now(UTC)
        wanted = (("agent_id", agent_id), ("tool", tool), ("scope", scope), ("tenant", tenant))
        rules = [Rule.model_validate_json(text) for text in await self._store.rules()]
        return [
            rule
            for rule in rules
            if all(value is None or getattr(rule, name) == value for name, value in wanted)
            and (ended or rule.holds(rule.tool, rule.digest, now))
        ]

    async def revoke_rule(self, rule_id: str, by: str) -> bool:
        """End a remembered decision for good; False where there is none or it was revoked before."""
        if not by:
            raise InvalidInput("Who revokes a rule gives a name: it is kept.")
        return await self._store.revoke_rule(rule_id, by, datetime.now(UTC))


def _wanted(given: Mapping[str, object]) -> Wanted:
    from sagents.inbox import Wanted

    try:
        return Wanted.model_validate(given)
    except ValidationError as error:
        raise InvalidInput(f"The inbox knows no such items: {contract.explain(error)}") from None


def _row(agent_id: str, text: str) -> Row:
    from sagents.decision_log import Row

    try:
        return Row.model_validate_json(text)
    except ValidationError as error:
        raise Damaged(f"A row of the log of {agent_id!r} cannot be read: {error.error_count()} problems.") from None
