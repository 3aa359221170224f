"""Decisions as people type them."""

from typing import Any

import pytest

from sagents import Approve, Edit, InvalidInput, Reject, Respond
from sagents_infra.cli.answers import decision, decisions


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["approve"], Approve()),
        (["y"], Approve()),
        (["reject"], Reject()),
        (["reject", "too", "late"], Reject("too late")),
        (["n", "no money"], Reject("no money")),
        (["edit", '{"amount": 5}'], Edit({"amount": 5})),
        (["respond", "tomorrow", "at", "nine"], Respond("tomorrow at nine")),
    ],
)
def test_one_decision(typed: list[str], meant: Any) -> None:
    assert decision(typed) == meant


def test_a_reason_may_be_an_option() -> None:
    assert decision(["reject"], reason="too late") == Reject("too late")


def test_plain_ones_in_a_row_decide_several_interrupts() -> None:
    assert decisions(["approve", "reject", "approve"], "no") == (Approve(), Reject("no"), Approve())
    assert decisions(["reject", "approve it later"]) == (Reject("approve it later"),)


@pytest.mark.parametrize("typed", [["maybe"], [], ["edit"], ["respond"], ["approve", "now"]])
def test_what_is_no_decision_is_answered_with_those_that_are(typed: list[str]) -> None:
    with pytest.raises(InvalidInput, match=r"approve · reject \[REASON\] · edit"):
        decision(typed)


@pytest.mark.parametrize("typed", ["{amount: 5}", "[1]", "5"])
def test_new_arguments_are_a_json_object(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"edit '\{"):
        decision(["edit", typed])
