"""What a page shows of open interrupts, and how it gathers the answers (B-88). Pure: a page merges the changes.

    session |= interrupt_session_changes(interrupts)      # after `status_changed` to interrupted
    session |= cleared_interrupt_changes()                # after any other status
    session |= shutdown_session_changes(session, data)    # after `agent_shutdown`
    step = advance_hitl_decisions(session, interrupt_id, "approve")
    session |= step.changes
    if step.action == "resume":
        await server.resume(agent_id, step.decisions)

All values are JSON. Each card has its `interrupt_id`, so that answers may come in any order and a double click counts
once; `decide` answers one at a time as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict

from pydantic import JsonValue

from sagents.commands import Answering
from sagents.decisions import DECISION, Decision
from sagents.interrupt_data import action_request, data_of, interrupt_data
from sagents.interrupts import Interrupt
from sagents.questions import question_of
from sagents.replies import HALT

Card: TypeAlias = dict[str, JsonValue]
"""A tool, question or answer on a page."""


class PendingHalt(TypedDict):
    """Why the work was ended."""

    interrupt_id: str
    message: str
    source_tool: str | None
    tool_call_id: str | None


class SessionChanges(TypedDict, total=False):
    """The part of a page's session that interrupts make; what is not there stays as it was."""

    pending_tools: list[Card]
    pending_question: Card | None
    pending_halt: PendingHalt | None
    remaining_questions: list[Card]
    question_responses: list[Card]
    hitl_decisions: list[Card]
    interrupt_data: Card | None
    agent_alive: bool
    agent_status: str
    loading: bool
    streaming_delta: None


@dataclass(frozen=True)
class Advanced:
    """What a click comes to: `more` to decide, or `resume` with all decisions."""

    action: Literal["more", "resume"]
    changes: SessionChanges
    decisions: tuple[Answering, ...] = ()


def interrupt_session_changes(interrupts: Iterable[Interrupt]) -> SessionChanges:
    """What to show: a halt before all else, questions one by one, anything else as tools. Nothing for none open."""
    waiting = [interrupt for interrupt in interrupts if interrupt.is_open]
    if not waiting:
        return {}
    changes = cleared_interrupt_changes()
    changes["interrupt_data"] = interrupt_data(waiting)
    halts = [interrupt for interrupt in waiting if interrupt.reason == HALT]
    if halts:
        changes["pending_halt"] = _halt(halts[0])
    elif all(question_of(interrupt) for interrupt in waiting):
        first, *rest = (data_of(interrupt) for interrupt in waiting)
        changes["pending_question"], changes["remaining_questions"] = first, rest
    else:
        changes["pending_tools"] = [action_request(interrupt) for interrupt in waiting]
    return changes


def cleared_interrupt_changes() -> SessionChanges:
    """Nothing is asked any more: for every status but `interrupted`."""
    return {
        "pending_tools": [],
        "pending_question": None,
        "pending_halt": None,
        "remaining_questions": [],
        "question_responses": [],
        "hitl_decisions": [],
        "interrupt_data": None,
    }


def shutdown_session_changes(session: Mapping[str, Any], shutdown: Mapping[str, Any]) -> SessionChanges:
    """The agent has left. What can still be answered stays on the page, with the answers given so far.

    `shutdown` is the data of the event `agent_shutdown`. Whether an agent lives and what it waits for are two things.
    """
    gone: SessionChanges = {"agent_alive": False, "loading": False, "streaming_delta": None}
    if shutdown.get("interrupt_restorable") is True and _shows_interrupt(session):
        return gone
    return {**cleared_interrupt_changes(), "agent_status": "not_running", **gone}


def advance_hitl_decisions(
    session: Mapping[str, Any], which: int | str, decision: Decision | Mapping[str, JsonValue] | str
) -> Advanced:
    """One of the pending tools is decided; with the last of them all decisions go to the agent.

    `which` is the card's place, or better its `interrupt_id`. A card that is not there, as at a second click, changes
    nothing.
    """
    cards: Sequence[Card] = session.get("pending_tools") or ()
    card = _card(cards, which)
    if card is None:
        return Advanced("more", {})
    answer: Card = {"interrupt_id": card["interrupt_id"], "digest": card["digest"] or None}
    answer |= _as_map(decision)
    made = [*(session.get("hitl_decisions") or ()), answer]
    left = [other for other in cards if other is not card]
    if left:
        return Advanced("more", {"pending_tools": left, "hitl_decisions": made})
    decisions = tuple(Answering.model_validate(one) for one in made)
    return Advanced("resume", {"pending_tools": [], "interrupt_data": None, "hitl_decisions": []}, decisions)


def advance_question_responses(session: Mapping[str, Any], response: Mapping[str, JsonValue]) -> Advanced:
    """The question that is shown is answered or cancelled: `{"selected": [...], ...}` or `{"type": "cancel"}`."""
    question = session.get("pending_question")
    if question is None:
        return Advanced("more", {})
    answer = {"type": "answer", **response, "interrupt_id": question["interrupt_id"]}
    made = [*(session.get("question_responses") or ()), answer]
    remaining = list(session.get("remaining_questions") or ())
    if remaining:
        after: SessionChanges = {"pending_question": remaining[0], "remaining_questions": remaining[1:]}
        return Advanced("more", {**after, "question_responses": made})
    decisions = tuple(Answering.model_validate(one) for one in made)
    done: SessionChanges = {"pending_question": None, "question_responses": [], "interrupt_data": None}
    return Advanced("resume", done, decisions)


def _halt(interrupt: Interrupt) -> PendingHalt:
    source = interrupt.data.get("source_tool") or interrupt.data.get("source") or interrupt.tool
    return {
        "interrupt_id": interrupt.id,
        "message": interrupt.message,
        "source_tool": str(source) if source else None,
        "tool_call_id": interrupt.tool_call_id,
    }


def _shows_interrupt(session: Mapping[str, Any]) -> bool:
    shown = (session.get(name) for name in ("pending_question", "pending_halt", "pending_tools"))
    return session.get("interrupt_data") is not None and any(shown)


def _card(cards: Sequence[Card], which: int | str) -> Card | None:
    if isinstance(which, int):
        return cards[which] if 0 <= which < len(cards) else None
    return next((card for card in cards if which in (card["interrupt_id"], card["tool_call_id"])), None)


def _as_map(decision: Decision | Mapping[str, JsonValue] | str) -> dict[str, JsonValue]:
    if isinstance(decision, str):
        return {"type": decision}
    if isinstance(decision, Mapping):
        return dict(decision)
    return dict(DECISION.dump_python(decision, mode="json"))
