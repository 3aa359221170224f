"""Whether an answer fits what was asked. Never called in the kernel: an answer's schema is the tool author's."""

from __future__ import annotations

from collections.abc import Iterable

from sagents.decisions import Decision, Respond
from sagents.errors import InvalidDecision
from sagents.head import Head
from sagents.interrupts import Interrupt
from sagents.questions import question_of
from sagents.replies import HALT, WrongAnswer
from sagents.results import Decided
from sagents.user_answers import told


def check_answer(interrupt: Interrupt, decision: Decision) -> None:
    """Raises `WrongAnswer`, whose `pointer` says where in the decision."""
    question = question_of(interrupt)
    if interrupt.reason == HALT:
        said_to_halt(decision)
    elif question is not None:
        told(question, decision)
    elif isinstance(decision, Respond) and interrupt.response_schema is not None:
        from sagents.json_schema import problem  # it loads slowly, and few questions have a schema

        found = problem(interrupt.response_schema, decision.content)
        if found is not None:
            raise WrongAnswer(f"The answer does not fit: {found.message}", pointer=f"/content{found.pointer}")


def said_to_halt(decision: Decision) -> str:
    """What a person says to a halt; raises `WrongAnswer` where that is nothing."""
    text = decision.content if isinstance(decision, Respond) else None
    if not isinstance(text, str) or not text.strip():
        raise WrongAnswer("A halt is answered by a text: what the agent is to do now.", pointer="/content")
    return text


def check_all(head: Head, decisions: Iterable[Decided]) -> None:
    """Raises `InvalidDecision` for the first answer that does not fit; then none of them may be taken (E-84)."""
    for decided in decisions:
        interrupt = head.interrupt(decided.interrupt_id)
        try:
            if interrupt is not None:
                check_answer(interrupt, decided.decision)
        except WrongAnswer as wrong:
            agent_id, status = head.agent.agent_id, str(head.status)
            raise InvalidDecision(agent_id, status, str(wrong), decided.interrupt_id, wrong.pointer) from None
