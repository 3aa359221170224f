"""What is wrong with a decision before anybody judges whether it may be taken. Runs on workers, never in the kernel."""

from __future__ import annotations

from typing import Any, TypeAlias

from sagents.checking import check_answer
from sagents.clipping import clipped
from sagents.commands import Answering
from sagents.decisions import Edit
from sagents.editing import check_edit
from sagents.errors import InvalidDecision
from sagents.interrupts import Interrupt
from sagents.replies import WrongAnswer
from sagents.reviews import Refusal, ReviewRequest
from sagents.tools import Tool

AnyTool: TypeAlias = Tool[..., Any]


def reviewable(request: ReviewRequest) -> list[tuple[Interrupt, Answering]]:
    """The decisions, each with its interrupt; what is not about an open one, or not allowed, the kernel refuses."""
    waiting = [interrupt for interrupt in request.interrupts if interrupt.is_open]
    by_id = {interrupt.id: interrupt for interrupt in waiting}
    by_place = [answering for answering in request.decisions if answering.interrupt_id is None]
    pairs = [(by_id[one.interrupt_id], one) for one in request.decisions if one.interrupt_id in by_id]
    if len(by_place) == len(waiting):
        pairs += zip(waiting, by_place, strict=True)
    return [(interrupt, one) for interrupt, one in pairs if one.decision.type in interrupt.allowed_decisions]


def edited_tool(interrupt: Interrupt, answering: Answering) -> str | None:
    """The tool whose schema the decision has to fit, if there is one."""
    return interrupt.tool if interrupt.is_gate and isinstance(answering.decision, Edit) else None


def refusal(interrupt: Interrupt, answering: Answering, tool: AnyTool | None = None) -> Refusal | None:
    """Why the decision does not fit what was asked, or the `tool` that it edits; None where it does."""
    decision = answering.decision
    try:
        check_answer(interrupt, decision)
        if tool is not None and isinstance(decision, Edit):
            check_edit(tool, decision.arguments)
    except WrongAnswer as wrong:
        return refused(interrupt, str(wrong), wrong.pointer)
    except Exception as error:  # a validator is user code
        return refused(interrupt, f"Nobody can tell whether the decision fits: {type(error).__name__}: {error}")
    return None


def refused(interrupt: Interrupt, why: str, pointer: str = "") -> Refusal:
    """The decision is invalid."""
    return Refusal(type=InvalidDecision.__name__, message=clipped(why), interrupt_id=interrupt.id, pointer=pointer)
