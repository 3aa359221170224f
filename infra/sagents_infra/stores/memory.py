"""A store in this process's memory, for tests and for trying things out."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from threading import Lock

from sagents.cards import AgentCard
from sagents.display import DisplayMessage
from sagents.events import Event
from sagents.ports import Chain, Claim, News, PendingInterrupt, Save, SavedHead, Segment, Weight
from sagents_infra.stores.bases import chain_of, weight_of
from sagents_infra.stores.deciding import KeptRule, claimed_after, wished
from sagents_infra.stores.entries import Waiting, arrived, card_after, event_of, in_line, row_of
from sagents_infra.stores.fence import claimed, is_of, saved, taken_over
from sagents_infra.stores.keeping import Keeping
from sagents_infra.stores.kept import Kept


class MemoryStore:
    """A `Store` that forgets with its process. Loops in several threads may share it.

    Of what `keeping` says it heeds how long bases stay.
    """

    def __init__(self, keeping: Keeping | None = None) -> None:
        self._keeping = keeping or Keeping()
        self._lock = Lock()  # held for microseconds, never over an await
        self._agents: dict[str, Kept] = {}
        self._rules: dict[str, KeptRule] = {}
        self._numbers = count()

    async def load(self, agent_id: str) -> SavedHead | None:
        return self._read(agent_id).head

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        with self._lock:
            row = taken_over(agent_id, self._read(agent_id).head, workflow_run_id, generation)
            self._kept(agent_id).head = row
            return row

    async def save(self, save: Save) -> SavedHead:
        with self._lock:
            kept = self._read(save.agent_id)
            row = saved(kept.head, save)
            rules = [KeptRule.of(save.agent_id, body) for body in save.rules]
            kept.decisions.update(kept.new_decisions(save.agent_id, save.entries))
            for rule in rules:
                self._rules.setdefault(rule.rule_id, rule)
            if row is not kept.head:
                kept.head = row
                kept.waiting = self._replaced(kept.waiting, save)
                kept.forget_claims(save.interrupts)
                if save.segment is not None:
                    self._keep(kept, row, save.segment)
                if save.card is not None:
                    kept.card = card_after(kept.card, save.card)
            return row

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        with self._lock:
            return chain_of(agent_id, digest, self._read(agent_id).back_from(digest))

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        with self._lock:
            return weight_of(agent_id, digest, self._read(agent_id).back_from(digest))

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        with self._lock:
            kept = self._read(agent_id)
            claimed(agent_id, kept.head, workflow_run_id)
            return kept.records.setdefault(key, body)

    async def get(self, agent_id: str, key: str) -> str | None:
        return self._read(agent_id).records.get(key)

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str | None) -> tuple[Event, ...]:
        with self._lock:
            kept = self._read(agent_id)
            if workflow_run_id is not None:
                claimed(agent_id, kept.head, workflow_run_id)
            elif kept.head is None:
                return ()
            kept.add_news(news)
            return tuple(event_of(agent_id, kept.log[one.slot].entry) for one in news)

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        with self._lock:
            found = [logged.entry for logged in self._read(agent_id).log.values() if logged.number > after]
        return tuple(event_of(agent_id, entry) for entry in found[: max(limit, 0)])

    async def trim(self, agent_id: str, before: int) -> int:
        with self._lock:
            return self._read(agent_id).trim(before)

    async def rows(
        self, agent_id: str, *, after: int | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[DisplayMessage, ...]:
        with self._lock:
            found = self._read(agent_id).page(after, before, limit)
        return tuple(row_of(agent_id, entry) for entry in found)

    async def row(self, agent_id: str, row_id: str) -> DisplayMessage | None:
        found = self._read(agent_id).rows.get(row_id)
        return None if found is None else row_of(agent_id, found.entry)

    async def agents(self, prefix: str = "", after: str = "", limit: int = 100) -> tuple[AgentCard, ...]:
        with self._lock:
            cards = {id: kept.card for id, kept in self._agents.items() if id.startswith(prefix) and id > after}
        found = [card for _, card in sorted(cards.items()) if card is not None]
        return tuple(AgentCard.model_validate_json(card) for card in found[: max(limit, 0)])

    async def deposit(self, agent_id: str, key: str, body: str) -> None:
        with self._lock:
            self._kept(agent_id).records.setdefault(key, body)

    async def interrupts(self, agent_id: str | None = None) -> tuple[PendingInterrupt, ...]:
        with self._lock:
            waiting = [one for kept in self._asked(agent_id) for one in kept.waiting]
        return in_line(waiting)

    async def log(self, agent_id: str, entries: Sequence[str], workflow_run_id: str) -> None:
        with self._lock:
            kept = self._read(agent_id)
            claimed(agent_id, kept.head, workflow_run_id)
            kept.decisions.update(kept.new_decisions(agent_id, entries))

    async def logged(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[str, ...]:
        with self._lock:
            rows = list(self._read(agent_id).decisions.values())[max(after, 0) :][:limit]
        return tuple(row.model_dump_json() for row in rows)

    async def logs(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(agent_id for agent_id, kept in self._agents.items() if kept.decisions))

    async def rules(self, keys: Sequence[str] | None = None) -> tuple[str, ...]:
        with self._lock:
            return tuple(rule.body for rule in self._rules.values() if keys is None or rule.key in keys)

    async def revoke_rule(self, rule_id: str, by: str, at: datetime) -> bool:
        with self._lock:
            kept = self._rules.get(rule_id)
            revoked = None if kept is None else kept.revoked(by, at)
            if revoked is None:
                return False
            self._rules[rule_id] = revoked
            return True

    async def claim(
        self, agent_id: str, interrupt_id: str, by: str, until: datetime | None, now: datetime
    ) -> Claim | None:
        wish = wished(agent_id, interrupt_id, by, until)
        with self._lock:
            claims = self._kept(agent_id).claims
            claim = claimed_after(claims.pop(interrupt_id, None), by, wish, now)
            if claim is not None:
                claims[interrupt_id] = claim
            return claim

    async def claims(self, agent_id: str | None = None) -> tuple[Claim, ...]:
        with self._lock:
            return tuple(claim for kept in self._asked(agent_id) for claim in kept.claims.values())

    async def delete(self, agent_id: str) -> None:
        with self._lock:
            self._agents = {id: kept for id, kept in self._agents.items() if not is_of(id, agent_id)}
            self._rules = {id: rule for id, rule in self._rules.items() if not is_of(rule.agent_id, agent_id)}

    def _keep(self, kept: Kept, row: SavedHead, segment: Segment) -> None:
        kept.add_base(segment, self._keeping.clock())
        since = self._keeping.records_since
        if since is not None and segment.snapshot is not None:
            kept.prune(row.base.digest, since)

    def _asked(self, agent_id: str | None) -> list[Kept]:
        return [*self._agents.values()] if agent_id is None else [self._read(agent_id)]

    def _read(self, agent_id: str) -> Kept:
        return self._agents.get(agent_id, Kept())

    def _kept(self, agent_id: str) -> Kept:
        """The same, to be written to."""
        return self._agents.setdefault(agent_id, Kept())

    def _replaced(self, before: Sequence[Waiting], save: Save) -> tuple[Waiting, ...]:
        stay = [one for one in before if one.body in save.interrupts]
        come = [Waiting.of(save.agent_id, body, next(self._numbers)) for body in arrived(save.interrupts, before)]
        return (*stay, *come)
