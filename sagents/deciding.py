"""Which decision answers which interrupt; what does not fit is refused whole, and every interrupt stays as it was."""

from sagents.commands import Answering, Resume
from sagents.errors import CannotResume
from sagents.head import Head
from sagents.interrupts import Interrupt
from sagents.results import Decided
from sagents.status import Status


def matched(head: Head, resume: Resume) -> tuple[Decided, ...]:
    """The decisions of a resume, each with its interrupt: by id, else by place (B-82).

    Raises `CannotResume`: nothing waits, the count differs, an id is unknown, a kind is not allowed (B-83).
    """
    waiting = head.open_interrupts
    if not waiting:
        raise CannotResume(head.agent.agent_id, str(head.status))
    by_place = [answering for answering in resume.decisions if answering.interrupt_id is None]
    if by_place and len(by_place) != len(waiting):
        raise _refused(head, f"Decision count ({len(by_place)}) does not match HITL tool count ({len(waiting)})")
    if not resume.decisions:
        raise _refused(head, f"No decision was given; {len(waiting)} interrupt(s) wait for one")
    pairs = zip(by_place, waiting, strict=True) if by_place else _by_id(head, resume.decisions)
    return tuple(_checked(head, answering, interrupt) for answering, interrupt in pairs)


def _by_id(head: Head, decisions: tuple[Answering, ...]) -> list[tuple[Answering, Interrupt]]:
    open_ones = {interrupt.id: interrupt for interrupt in head.open_interrupts}
    unknown = [answering.interrupt_id for answering in decisions if answering.interrupt_id not in open_ones]
    if unknown:
        raise _refused(head, f"No pending interrupt has the id {unknown[0]!r}; pending: {', '.join(open_ones)}")
    return [(answering, open_ones[answering.interrupt_id or ""]) for answering in decisions]


def _checked(head: Head, answering: Answering, interrupt: Interrupt) -> Decided:
    if answering.decision.type not in interrupt.allowed_decisions:
        allowed = ", ".join(interrupt.allowed_decisions)
        what = interrupt.tool or interrupt.reason
        raise _refused(head, f"Decision '{answering.decision.type}' is not allowed for '{what}'; allowed: {allowed}")
    return Decided(interrupt_id=interrupt.id, decision=answering.decision)


def _refused(head: Head, why: str) -> CannotResume:
    return CannotResume(head.agent.agent_id, str(Status.INTERRUPTED), why)
