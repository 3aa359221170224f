"""What waits for people, as one watcher knows it: from events by and by, from the agent itself where it was asked."""

from collections.abc import Iterable, Mapping
from typing import Any

from ag_ui.core import Interrupt as Asked

from sagents.event_types_work import Approval
from sagents.events import Event
from sagents.interrupts import Interrupt
from sagents_infra.ag_ui.interrupts import asked, from_entry, from_status


class Waiting:
    """Interrupts by id. An event of its asking tells of an interrupt all but its terms, the agent tells all."""

    def __init__(self) -> None:
        self._known: dict[str, Interrupt] = {}
        self._whose: dict[str, str | None] = {}

    def note(self, event: Event) -> None:
        """An event about an interrupt."""
        entry = Approval.model_validate(event.data)
        if event.type == "approval.requested":
            self._known[entry.interrupt_id] = from_entry(entry, event.path)
            self._whose[entry.interrupt_id] = event.sub_agent_id
        elif entry.status != "pending":
            self._known.pop(entry.interrupt_id, None)

    def know(self, interrupts: Iterable[Interrupt]) -> None:
        """These are all that wait now, with their terms."""
        self._known = {interrupt.id: interrupt for interrupt in interrupts}

    def asked(self, data: Mapping[str, Any] | None) -> list[Asked]:
        """What waits when a status with these data is told; where it tells of none, all that is known."""
        told = {one.id: (one, whose) for one, whose in from_status(data)}
        found = told or {which: (one, None) for which, one in self._known.items()}
        return [
            asked(_joined(self._known.get(which), one), self._whose.get(which) or whose)
            for which, (one, whose) in found.items()
        ]


def _joined(known: Interrupt | None, told: Interrupt) -> Interrupt:
    """All that is known of it. A status has the terms that the event of its asking does not have."""
    if known is None or known.opened_at is not None:
        return known or told
    terms = {"allowed_decisions": told.allowed_decisions, "response_schema": told.response_schema}
    return known.but(message=told.message or known.message, data=told.data or known.data, **terms)
