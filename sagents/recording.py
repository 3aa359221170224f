"""What goes into the decision log when a head moves on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sagents.closing import ended
from sagents.decision_log import Entry, EntryKind
from sagents.head import Head
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.plan import Plan, PlannedCall
from sagents.principal import Who
from sagents.results import CallsDone, Decided, Escalated, Reminded, Result

SAVED_BYTES = 1024 * 1024
"""So many bytes of entries travel with one save."""

_KINDS = {
    InterruptStatus.PENDING: EntryKind.VOTED,
    InterruptStatus.EXPIRED: EntryKind.EXPIRED,
    InterruptStatus.CANCELLED: EntryKind.CANCELLED,
    InterruptStatus.SUPERSEDED: EntryKind.SUPERSEDED,
}


def entries(
    before: Head, after: Head, result: Result, now: datetime, waiting: Sequence[Entry] = ()
) -> tuple[Entry, ...]:
    """One for everything that happened to an interrupt, in the order in which it happened.

    `waiting` are earlier ones that are not saved yet: their slots are taken.
    """
    found: list[Entry] = []
    taken = {entry.slot for entry in waiting}
    for entry in _entries(before, after, result, now):
        same = sum(slot == entry.slot or slot.startswith(f"{entry.slot}#") for slot in taken)
        found.append(entry.but(slot=f"{entry.slot}#{same}") if same else entry)
        taken.add(found[-1].slot)
    return tuple(found)


def first_to_save(waiting: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The first of these that fit into one save, at least one."""
    room = SAVED_BYTES
    for number, entry in enumerate(waiting):
        room -= len(entry.model_dump_json())
        if room < 0 and number:
            return waiting[:number]
    return waiting


def _entries(before: Head, after: Head, result: Result, now: datetime) -> Iterator[Entry]:
    recorder = _Recorder(before, after, now)
    known = {interrupt.id: interrupt for interrupt in before.interrupts}
    for interrupt in ended(before, after, result):
        yield recorder.entry(interrupt, _KINDS.get(interrupt.status, EntryKind.DECIDED), result)
    for interrupt in after.open_interrupts:
        was = known.get(interrupt.id)
        if was is None:
            yield recorder.entry(interrupt, EntryKind.REQUESTED, result)
        elif not was.is_open:
            yield recorder.entry(interrupt, EntryKind.REOPENED, result)
        elif was != interrupt:
            yield recorder.entry(interrupt, _changed_by(result), result)
    yield from recorder.of_calls(result)


def _changed_by(result: Result) -> EntryKind:
    match result:
        case Reminded():
            return EntryKind.REMINDED
        case Escalated():
            return EntryKind.ESCALATED
        case _:
            return EntryKind.VOTED


class _Recorder:
    def __init__(self, before: Head, after: Head, now: datetime) -> None:
        self.before, self.after, self.now = before, after, now
        run = (before.run if before.interrupts else None) or after.run or before.run
        self.run_id = run.spec.id if run else None
        self.record = run.record if run else ""

    def entry(self, interrupt: Interrupt, kind: EntryKind, result: Result) -> Entry:
        decided = result if isinstance(result, Decided) and result.interrupt_id == interrupt.id else None
        decision = interrupt.decision or (decided.decision if decided else None)
        return Entry(
            slot=self._slot(interrupt.id, kind, decided.who if decided else None),
            kind=kind,
            interrupt_id=interrupt.id,
            at=decided.who.at or self.now if decided else self.now,
            status=interrupt.status,
            reason=interrupt.reason,
            tool=interrupt.tool,
            tool_call_id=interrupt.tool_call_id,
            run_id=self.run_id,
            record=self.record,
            summary=interrupt.message,
            digest=decided.digest if decided else interrupt.digest,
            policy=interrupt.policy,
            decision=decision,
            who=decided.who if decided else None,
            agreed=interrupt.agreed if kind is EntryKind.DECIDED else (),
            remember=decided.remember if decided else None,
            note=interrupt.problem or "",
            notify=interrupt.notify,
        )

    def of_calls(self, result: Result) -> Iterator[Entry]:
        """Calls that a remembered decision let pass, and approved ones that did not run."""
        if isinstance(result, Plan):
            for call in result.calls:
                if call.rule is not None:
                    yield self._of_call(call, EntryKind.REMEMBERED, call.rule)
        if isinstance(result, CallsDone):
            for call_id, done in result.results.items():
                if done.not_executed is not None:
                    yield self._of_call(self._planned(call_id), EntryKind.NOT_EXECUTED, done.not_executed)

    def _planned(self, call_id: str) -> PlannedCall:
        return next(call.plan for call in self.before.started.calls if call.plan.call_id == call_id)

    def _of_call(self, call: PlannedCall, kind: EntryKind, note: str) -> Entry:
        interrupt_id = f"int_{call.call_id}"
        return Entry(
            slot=self._slot(interrupt_id, kind, None),
            kind=kind,
            interrupt_id=interrupt_id,
            at=self.now,
            status=InterruptStatus.APPROVED,
            tool=call.name,
            tool_call_id=call.call_id,
            run_id=self.run_id,
            record=self.record,
            note=note,
            notify=None,
        )

    def _slot(self, interrupt_id: str, kind: EntryKind, who: Who | None) -> str:
        """The same in a replay; who does the same twice in one moment has a number appended (`entries`)."""
        return ":".join([interrupt_id, kind, who.name if who else "", self.now.isoformat()])
