"""Interrupted tool results that nobody will answer: abandoned by the user, or stale after a load."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given

from sagents import demotion
from sagents.demotion import Claims, interrupt_restorable
from sagents.messages import Message, ToolResult
from sagents.state import State
from tests.sagents.strategies import states

QUESTION = {"type": "ask_user_question", "question": "Which one?"}
APPROVAL = {"type": "subagent_hitl", "child": "c-1"}
HALT = {"type": "halt", "message": "Out of stock."}
NORMAL = ToolResult(tool_call_id="done", content="42", name="count")


class Questions:
    """Stands in for the middleware whose questions survive a restart."""

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        return data.get("type") == "ask_user_question"


@dataclass(frozen=True)
class Children:
    """Stands in for the sub-agent middleware, which knows the children that are still there."""

    alive: frozenset[str]

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        return data.get("type") == "subagent_hitl" and data.get("child") in self.alive


class Broken:
    """Stands in for a middleware that cannot tell."""

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        raise KeyError("oops")


def waiting(data: dict[str, Any] | None, call_id: str = "q") -> ToolResult:
    return ToolResult(tool_call_id=call_id, name="ask", is_interrupt=True, interrupt_data=data)


def asked(*results: ToolResult) -> State:
    return State(messages=(Message.user("go"), Message.tool(*results)))


def several(*parts: Any) -> dict[str, Any]:
    return {"type": "multiple_interrupts", "interrupts": list(parts)}


def results(state: State) -> tuple[ToolResult, ...]:
    return tuple(result for message in state.messages for result in message.tool_results)


def test_unanswered_question_becomes_an_error_that_says_to_go_on() -> None:
    """T-30, E-14."""
    state = asked(waiting(QUESTION)).but(interrupt_data=QUESTION).cancel_pending_interrupts()
    (result,) = results(state)
    assert (result.is_error, result.is_interrupt, result.interrupt_data) == (True, False, None)
    assert "did not respond" in result.text
    assert "new message" in result.text
    assert (result.tool_call_id, result.name) == ("q", "ask")
    assert state.interrupt_data is None


def test_every_pending_interrupt_is_cancelled_and_other_results_are_not() -> None:
    """T-30, E-14."""
    state = asked(waiting(QUESTION, "1"), NORMAL, waiting(APPROVAL, "2")).add_message(Message.tool(waiting(None, "3")))
    one, normal, two, three = results(state.cancel_pending_interrupts())
    assert (one.is_error, two.is_error, three.is_error) == (True, True, True)
    assert normal == NORMAL


def test_nothing_pending_is_nothing_changed() -> None:
    """T-30, E-14."""
    state = asked(NORMAL)
    assert state.cancel_pending_interrupts() is state


def test_log_without_placeholders_is_what_a_provider_accepts() -> None:
    """T-31: no placeholder is left anywhere, so a user message may follow."""
    state = asked(waiting(QUESTION), waiting(several(QUESTION, HALT), "2")).cancel_pending_interrupts()
    assert not any(result.is_interrupt for result in results(state.add_message(Message.user("never mind"))))


def test_reason_of_a_halt_stays_readable() -> None:
    """T-32."""
    (result,) = results(asked(waiting(HALT)).cancel_pending_interrupts())
    assert result.text == (
        "Tool halted: Out of stock. The user has sent a new instruction - proceed with their new request."
    )


@pytest.mark.parametrize("message", ["", None, "  "])
def test_halt_without_a_reason_gets_the_usual_text(message: str | None) -> None:
    """T-32."""
    (result,) = results(asked(waiting({"type": "halt", "message": message})).cancel_pending_interrupts())
    assert result.text == demotion.ABANDONED


def test_sweep_decides_for_each_result_alone() -> None:
    """T-40, E-10."""
    normal, swept = results(asked(NORMAL, waiting(None)).clean_stale_interrupts())
    assert normal == NORMAL
    assert swept.is_error


def test_interrupt_without_data_is_demoted_whatever_the_middleware() -> None:
    """T-41, E-11."""
    (result,) = results(asked(waiting(None)).clean_stale_interrupts([Questions()]))
    assert (result.is_error, result.text) == (True, demotion.INCOMPATIBLE)


def test_question_is_kept_where_a_middleware_claims_it() -> None:
    """T-44, E-11."""
    state = asked(waiting(QUESTION))
    assert state.clean_stale_interrupts([Questions()]) is state


def test_approval_nobody_claims_is_demoted_beside_a_claimed_question() -> None:
    """T-43, E-11."""
    question, approval = results(asked(waiting(QUESTION), waiting(APPROVAL, "2")).clean_stale_interrupts([Questions()]))
    assert question.is_interrupt
    assert approval.is_error


def test_approval_of_a_child_is_kept_while_the_child_is_alive() -> None:
    """T-49."""
    state = asked(waiting(APPROVAL))
    assert state.clean_stale_interrupts([Questions(), Children(frozenset({"c-1"}))]) is state
    assert results(state.clean_stale_interrupts([Questions(), Children(frozenset())]))[0].is_error


def test_several_interrupts_are_kept_only_if_each_is_claimed_by_somebody() -> None:
    """T-42, E-12."""
    claims: list[Claims] = [Questions(), Children(frozenset({"c-1"}))]
    both = asked(waiting(several(QUESTION, APPROVAL)))
    assert both.clean_stale_interrupts(claims) is both
    assert results(both.clean_stale_interrupts([Questions()]))[0].is_error


@pytest.mark.parametrize("parts", [(), ("no map",), (QUESTION, None)])
def test_wrapper_that_holds_nothing_readable_is_not_restorable(parts: tuple[Any, ...]) -> None:
    """T-42, E-12."""
    assert not interrupt_restorable(several(*parts), [Questions()])
    assert not interrupt_restorable({"type": "multiple_interrupts"}, [Questions()])


def test_two_texts_tell_why() -> None:
    """T-45."""
    bound, incompatible = results(asked(waiting(APPROVAL), waiting(None, "2")).clean_stale_interrupts([Questions()]))
    assert "agent was restarted" in bound.text
    assert "lost" in bound.text
    assert "incompatible with current code" in incompatible.text


def test_without_middleware_every_interrupt_is_demoted() -> None:
    """T-46."""
    assert all(
        result.is_error for result in results(asked(waiting(QUESTION), waiting(HALT, "2")).clean_stale_interrupts())
    )


def test_middleware_that_raises_does_not_claim() -> None:
    """T-47: and one after it still may."""
    assert not interrupt_restorable(QUESTION, [Broken()])
    assert interrupt_restorable(QUESTION, [Broken(), Questions()])


def test_state_without_interrupts_is_swept_to_itself() -> None:
    """T-47."""
    state = asked(NORMAL)
    assert state.clean_stale_interrupts([Questions()]) is state


CLAIMS: list[list[Claims]] = [[], [Questions()], [Broken(), Questions()], [Children(frozenset({"c-1"}))]]


@given(states)
def test_predicate_agrees_with_the_sweep(state: State) -> None:
    """T-48, E-13."""
    for claims in CLAIMS:
        swept = state.clean_stale_interrupts(iter(claims))
        for before, after in zip(results(state), results(swept), strict=True):
            kept = not before.is_interrupt or interrupt_restorable(before.interrupt_data, iter(claims))
            assert (after == before) is kept


@given(states)
def test_demotion_and_sweep_are_idempotent(state: State) -> None:
    """T-30, T-47."""
    cancelled = state.cancel_pending_interrupts()
    assert cancelled.cancel_pending_interrupts() is cancelled
    for claims in CLAIMS:
        swept = state.clean_stale_interrupts(claims)
        assert swept.clean_stale_interrupts(claims) is swept
