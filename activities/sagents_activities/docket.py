"""What a save has to say of interrupts: which wait, what has happened to them, what is to be remembered of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue

from sagents.decision_log import Entry, EntryKind
from sagents.decisions import Edit
from sagents.head import Head
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.plan import AgentRef
from sagents.ports import Notice
from sagents.rules import Rule, rule_key
from sagents_activities.recorded import RecordedCalls

SHOWN = 64 * 1024
"""Characters of arguments that lists show; who decides about longer ones reads them in the conversation."""

TOLD = frozenset(EntryKind) - {EntryKind.VOTED, EntryKind.REMEMBERED, EntryKind.NOT_EXECUTED}
"""What people outside of the application are told of."""


@dataclass(frozen=True)
class Docket:
    """All of it, with the calls' arguments; empty where nobody was asked."""

    agent_id: str = ""
    items: tuple[InboxItem, ...] = ()
    entries: tuple[Entry, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def interrupts(self) -> tuple[Interrupt, ...]:
        """What waits."""
        return tuple(item.interrupt for item in self.items)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Whom to tell of what."""
        waiting = {item.interrupt.id: item for item in self.items}
        return tuple(
            _notice(self.agent_id, entry, waiting.get(entry.interrupt_id))
            for entry in self.entries
            if entry.kind in TOLD and entry.notify is not None
        )


NOTHING = Docket()


async def docket(calls: RecordedCalls, head: Head, entries: tuple[Entry, ...] = ()) -> Docket:
    """The docket of an agent as it is now, with what has happened since the last save."""
    filled = tuple([await _filled(calls, head.agent, entry) for entry in entries])
    record = head.run.record if head.run else ""
    items = tuple([await _item(calls, head, interrupt, record) for interrupt in head.open_interrupts])
    rules = (_rule(head.agent, entry) for entry in filled)
    return Docket(head.agent.agent_id, items, filled, tuple(rule for rule in rules if rule is not None))


async def _filled(calls: RecordedCalls, agent: AgentRef, entry: Entry) -> Entry:
    after = entry.decision.arguments if isinstance(entry.decision, Edit) else None
    arguments = await _arguments(calls, agent.agent_id, entry.record, entry.tool_call_id)
    return entry.but(arguments=arguments, after=after)


async def _item(calls: RecordedCalls, head: Head, interrupt: Interrupt, record: str) -> InboxItem:
    agent, arguments = head.agent, interrupt.arguments
    if arguments is None:
        arguments = await _arguments(calls, agent.agent_id, record, interrupt.tool_call_id)
    return InboxItem(
        agent_id=agent.agent_id,
        interrupt=interrupt.but(arguments=arguments),
        agent=agent.name,
        conversation_id=agent.conversation_id,
        owner=agent.owner,
        tenant=agent.tenant,
        run_id=head.run.spec.id if head.run else None,
    )


async def _arguments(
    calls: RecordedCalls, agent_id: str, record: str, call_id: str | None
) -> Mapping[str, JsonValue] | None:
    if call_id is None or not record:
        return None
    recorded = await calls.of(agent_id, record)
    call = recorded.get(call_id) if recorded else None
    if call is None or not isinstance(call.arguments, Mapping):
        return None
    return call.arguments if len(call.model_dump_json()) <= SHOWN else None


def _rule(agent: AgentRef, entry: Entry) -> Rule | None:
    """The rule that a decision leaves behind, where the person wanted one."""
    wish = entry.remember
    if wish is None or entry.kind is not EntryKind.DECIDED or entry.who is None or not entry.digest:
        return None
    run_id = entry.run_id or ""
    key = rule_key(wish.scope, agent_id=agent.agent_id, run_id=run_id, owner=agent.owner, tenant=agent.tenant)
    if key is None:
        return None
    return Rule(
        id=f"rule_{hashlib.sha256(f'{agent.agent_id}:{entry.slot}'.encode()).hexdigest()[:16]}",
        key=key,
        scope=wish.scope,
        tool=entry.tool or "",
        verdict="reject" if entry.status is InterruptStatus.REJECTED else "approve",
        digest=entry.digest if wish.match == "exact" else "",
        agent_id=agent.agent_id,
        tenant=agent.tenant,
        who=entry.who,
        agreed=entry.agreed,
        at=entry.at,
        expires_at=None if wish.ttl_ms is None else entry.at + timedelta(milliseconds=wish.ttl_ms),
    )


def _notice(agent_id: str, entry: Entry, item: InboxItem | None) -> Notice:
    shown = item or InboxItem(
        agent_id=agent_id,
        interrupt=Interrupt(
            id=entry.interrupt_id,
            reason=entry.reason,
            message=entry.summary,
            tool=entry.tool,
            tool_call_id=entry.tool_call_id,
            arguments=entry.arguments,
            digest=entry.digest,
            status=entry.status,
            decision=entry.decision,
        ),
        run_id=entry.run_id,
    )
    return Notice(
        id=f"{agent_id}:{entry.slot}",
        kind=str(entry.kind),
        agent_id=agent_id,
        interrupt_id=entry.interrupt_id,
        item=shown.model_dump_json(),
        targets=entry.notify or (),
    )
