"""Events as people see them."""

from datetime import UTC, datetime
from typing import Any

from sagents import Event
from sagents_infra.cli.drawing import Screen, call_text
from sagents_infra.cli.output import console


def drawn(*events: tuple[str, dict[str, Any]], statuses: bool = False) -> tuple[str, Screen]:
    terminal = console()
    screen = Screen(terminal, statuses=statuses)
    with terminal.capture() as captured:
        for kind, data in events:
            screen.draw(Event(agent_id="a", type=kind, at=datetime.now(UTC), data=data))
        screen.end()
    return captured.get(), screen


def deltas(*texts: str) -> tuple[str, dict[str, Any]]:
    return "llm_deltas", {"deltas": [{"text": text} for text in texts]}


def test_a_reply_streams_and_is_not_said_twice() -> None:
    text, screen = drawn(deltas("Hel", "lo"), ("llm_message", {"message": {"content": "Hello"}}))
    assert text == "Hello\n"
    assert screen.said == ["Hello"]


def test_a_reply_that_did_not_stream_is_said_whole() -> None:
    text, _ = drawn(("llm_message", {"message": {"content": [{"type": "text", "content": "Hello"}]}}))
    assert text == "Hello\n"


def test_what_agents_say_is_no_markup() -> None:
    text, _ = drawn(deltas("[bold]x[/bold] :smile: [/]"))
    assert text == "[bold]x[/bold] :smile: [/]\n"


def test_a_call_is_one_line_from_beginning_to_end() -> None:
    tool = {"name": "refund", "call_id": "1"}
    text, _ = drawn(
        deltas("Let me see"),
        ("tool_execution_update", {**tool, "status": "executing", "arguments": {"order": "7", "amount": 5}}),
        ("tool_execution_update", {**tool, "status": "executing", "progress": "calling the bank"}),
        ("tool_execution_update", {**tool, "status": "completed", "result": "done\nand dusted"}),
        ("tool_execution_update", {**tool, "status": "failed", "error": "no"}),
        ("tool_execution_update", {**tool, "status": "cancelled"}),
    )
    assert text.splitlines() == [
        "Let me see",
        '  ▶ refund(order="7", amount=5)',
        "    calling the bank",
        "  ✓ refund: done and dusted",
        "  ✗ refund: no",
        "  ✗ refund was cancelled",
    ]


def test_statuses_and_errors_say_why() -> None:
    failed = {"status": "error", "data": {"kind": "failed", "error": {"type": "x", "message": "no key"}}}
    text, _ = drawn(("status_changed", failed), statuses=True)
    assert text == "■ error: no key\n"
    assert drawn(("status_changed", failed))[0] == ""


def test_what_happens_to_approvals_is_a_line_for_who_watches() -> None:
    asked = {"kind": "requested", "tool": "refund", "arguments": {"order": "7"}}
    decided = {"kind": "decided", "status": "approved", "who": {"subject": "anna"}, "summary": "Refund order 7"}
    failed = {"kind": "not_executed", "tool": "refund", "note": "the tool is gone"}
    events = [(f"approval.{data['kind']}", data) for data in (asked, decided, failed)]
    assert drawn(*events, statuses=True)[0].splitlines() == [
        '⏸ requested: refund(order="7")',
        "⏸ approved by anna: Refund order 7",
        "⏸ not executed: refund() (the tool is gone)",
    ]
    assert drawn(*events)[0] == ""


def test_events_of_a_newer_program_are_passed_over() -> None:
    assert drawn(("something_new", {"x": 1}), ("todos_updated", {}))[0] == ""


def test_a_call_with_wrong_arguments_is_shown_as_it_came() -> None:
    assert call_text("refund", "{not json") == "refund({not json)"
    assert call_text("refund", {}) == "refund()"
    assert len(call_text("write", {"text": "x" * 10_000})) < 120


def test_another_attempt_at_a_reply_begins_on_a_line_of_its_own_and_ends_the_one_before() -> None:
    """B-153: a worker that was given up may still stream, also after the reply is whole."""

    def piece(text: str, attempt: int) -> tuple[str, dict[str, Any]]:
        return "llm_deltas", {"deltas": [{"text": text}], "stream_id": "msg_1", "attempt": attempt}

    text, screen = drawn(
        *(piece("Once ", 1), piece("Good ", 2), piece("upon", 1), piece("day", 2)),
        ("llm_message", {"message": {"content": "Good day"}, "stream_id": "msg_1"}),
        piece(" a time", 1),
    )
    assert text == "Once \nGood day\n"
    assert screen.said == ["Good day"]


def test_who_watches_a_trimmed_log_is_told_so() -> None:
    text, _ = drawn(("reset", {"first": 7, "snapshot": {}}))
    assert text == "  … events before these are gone\n"
