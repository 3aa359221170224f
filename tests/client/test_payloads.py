"""What is checked before anything travels."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents import Approve, Edit, InvalidInput, Lifecycle, Message, Reject, Respond
from sagents.client import payloads
from sagents.commands import Answering
from sagents.contract import parse_message, parse_resume


def test_a_message_gets_its_id_before_it_travels_so_that_sending_it_again_is_safe() -> None:
    first, second = payloads.message("hi", None, None), payloads.message("hi", None, None)
    assert first["id"] != second["id"]
    assert payloads.message("hi", "m1", None)["id"] == "m1"
    assert payloads.message(Message.user("hi", id="m2"), None, None)["id"] == "m2"
    assert parse_message(first).content == "hi"


def test_a_message_of_three_megabytes_never_reaches_temporal() -> None:
    with pytest.raises(InvalidInput, match="2,097,152 bytes at most"):
        payloads.message("x" * 3_000_000, None, None)


def test_only_users_send_messages() -> None:
    with pytest.raises(InvalidInput, match="role assistant"):
        payloads.message(Message.assistant("I said"), None, None)


def test_an_agent_does_not_start_with_more_than_travels() -> None:
    with pytest.raises(InvalidInput, match="may start with"):
        payloads.start("helper", None, ["x" * 3_000_000], None, None, None)


def test_scope_and_options_are_plain_json() -> None:
    with pytest.raises(InvalidInput, match=r"scope\.at"):
        payloads.start("helper", None, [], None, {"at": datetime.max.replace(tzinfo=UTC)}, None)


def test_a_lifecycle_travels_in_milliseconds() -> None:
    started = payloads.start("helper", None, [], Lifecycle(inactivity_timeout=timedelta(minutes=1)), None, None)
    assert started.lifecycle == {"inactivity_timeout_ms": 60_000}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (Approve(), [{"type": "approve"}]),
        ([Reject("too late"), Approve()], [{"type": "reject", "reason": "too late"}, {"type": "approve"}]),
        (Edit({"amount": 5}), [{"type": "edit", "arguments": {"amount": 5}}]),
        (Respond("tomorrow"), [{"type": "respond", "content": "tomorrow"}]),
        (Answering(decision=Approve(), interrupt_id="int_1"), [{"type": "approve", "interrupt_id": "int_1"}]),
        ((), []),
    ],
)
def test_decisions_are_flat_on_the_wire_and_read_back_as_they_were(given: Any, written: list[Any]) -> None:
    assert payloads.decisions(given) == written
    decisions = [item.decision for item in parse_resume(written).decisions]
    expected = given if isinstance(given, list | tuple) else [given]
    assert decisions == [item.decision if isinstance(item, Answering) else item for item in expected]


def test_what_is_no_decision_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Approve, Edit, Reject or Respond"):
        payloads.decisions("yes")  # type: ignore[arg-type]


def test_two_targets_of_a_run_exclude_each_other() -> None:
    with pytest.raises(InvalidInput, match="exclude each other"):
        payloads.execute(["a"], ["b"], None)
