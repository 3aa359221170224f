"""Messages as rows, and rows of calls as things happen to them: pure functions (B-107, B-108, E-72)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagents import ContentPart, Message, PartType, RunError, ToolCall
from sagents.commands import NewMessage
from sagents.decision_log import Entry, EntryKind
from sagents.decisions import Approve, Reject, Respond
from sagents.demotion import ABANDONED
from sagents.display import Change, DisplayMessage, RowStatus
from sagents.displaying import Showing
from sagents.interrupts import InterruptStatus
from sagents.loop import CANCELLED
from sagents.mail import merged
from sagents.messages import MessageStatus, ToolResult
from sagents.notice_rows import ended, halted, shown
from sagents.plan import Ending, OutcomeKind
from sagents.tool_rows import judged, settled, updated

AT = datetime(2026, 1, 1, tzinfo=UTC)
SHOWING = Showing(AT, "run_1", {"refund": "Refunding"})
CALL = SHOWING.call(ToolCall(call_id="c1", name="refund", arguments={"order": "7"}), 2)


def reply(content: Any = None, **more: Any) -> list[DisplayMessage]:
    return list(SHOWING.reply(Message.assistant(content, **more), "msg_1"))


def seen(rows: list[DisplayMessage]) -> list[tuple[str, str, str, int]]:
    return [(row.id, str(row.content_type), row.text, row.sequence) for row in rows]


def calls(*names: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(call_id=f"c{number}", name=name) for number, name in enumerate(names))


def part(content: str, type: PartType = PartType.TEXT) -> ContentPart:
    return ContentPart(type=type, content=content)


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reply_is_its_thinking_its_text_and_its_calls_in_this_order() -> None:
    """B-107."""
    content = (part("hm", PartType.THINKING), part("Let me look."))
    assert seen(reply(content, tool_calls=calls("refund", "look"))) == [
        ("msg_1.0", "thinking", "hm", 0),
        ("msg_1.1", "text", "Let me look.", 1),
        ("c0", "tool_call", "Refunding", 2),
        ("c1", "tool_call", "look", 3),
    ]


@pytest.mark.parametrize("content", [None, "", "  \n", (), (part(" "),)], ids=["none", "empty", "blank", "no", "parts"])
def test_who_has_said_nothing_has_no_rows(content: Any) -> None:
    """E-72: nothing produced, also where the reply broke off."""
    assert reply(content, status=MessageStatus.LENGTH) == []


@pytest.mark.parametrize("status", [status for status in MessageStatus if status is not MessageStatus.COMPLETE])
def test_why_a_reply_ended_stands_on_its_last_row_only(status: MessageStatus) -> None:
    """E-72: on the tool call where that is the last one."""
    first, last = reply("Well", tool_calls=calls("refund"), status=status, metadata={"stop_details": {"at": 7}})
    assert "stop_reason" not in first.metadata
    assert (last.content_type, last.metadata["stop_reason"]) == ("tool_call", str(status))
    assert last.metadata["stop_details"] == {"at": 7}


def test_a_whole_reply_says_no_reason() -> None:
    (row,) = reply("Well")
    assert row.metadata == {"stream_id": "msg_1"}


def test_pictures_and_files_are_rows_of_their_own_kind() -> None:
    content = (part("https://a/b.png", PartType.IMAGE_URL), part("f_1", PartType.FILE), part("?", PartType.UNSUPPORTED))
    kinds = [(str(row.content_type), row.content["content"]) for row in reply(content)]
    assert kinds == [("image", "https://a/b.png"), ("file_reference", "f_1")]


TEXTS = st.text("ab ", min_size=1, max_size=3)
PARTS = st.lists(TEXTS.map(part), min_size=1, max_size=3).map(tuple)
NOTES = st.builds(
    NewMessage,
    content=st.one_of(TEXTS, PARTS),
    display=st.one_of(st.none(), st.just(""), TEXTS, PARTS),
)


@given(st.lists(st.tuples(NOTES, st.booleans()), min_size=1, max_size=4))
def test_messages_that_waited_together_are_shown_as_each_would_have_been(
    given_notes: list[tuple[NewMessage, bool]],
) -> None:
    """E-64: whatever was merged, the door's rows and those of the step are the same ones."""
    notes = [note.but(id=f"m{n}" if named else None) for n, (note, named) in enumerate(given_notes)]
    (together,) = merged(tuple(notes))
    rows = SHOWING.said(together, "key")
    apart = [row for note in notes for row in SHOWING.said(note.message, "key")]
    assert [row.text for row in rows] == [row.text for row in apart]
    by_doors = {row.id: row for note in notes if note.id for row in SHOWING.said(note.message)}
    assert all(by_doors[row.id] == row for row in rows if row.id.startswith("m"))
    assert len({row.id for row in rows}) == len(rows)


# ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def told(row: DisplayMessage | None, status: str, **info: Any) -> list[tuple[str, str, str]]:
    data = {"status": status, "call_id": "c1", "name": "refund", **info}
    return [(change.slot, str(change.row.status), change.row.text) for change in updated(row, data, SHOWING)]


def test_a_calls_end_is_its_status_and_a_row_of_what_came_of_it() -> None:
    """B-108."""
    assert told(CALL, "executing") == [("row:c1:executing", "executing", "Refunding")]
    assert told(CALL, "completed", result="done") == [
        ("row:c1:completed", "completed", "Refunding"),
        ("row:c1.result:completed", "completed", "done"),
    ]
    assert told(CALL, "failed", error="no")[1:] == [("row:c1.result:failed", "failed", "no")]
    assert told(CALL, "cancelled") == [("row:c1:cancelled", "cancelled", "Refunding")]


@pytest.mark.parametrize("status", [RowStatus.COMPLETED, RowStatus.FAILED, RowStatus.CANCELLED])
def test_what_has_ended_is_changed_by_no_attempt_that_wakes_later(status: RowStatus) -> None:
    assert told(CALL.but(status=status), "executing") == []
    assert told(CALL.but(status=status), "failed", error="late") == []


def test_progress_is_no_change_and_a_call_without_a_row_gets_one() -> None:
    assert told(CALL, "executing", progress="half") == []
    assert told(None, "executing", display_text="Refunding") == [("row:c1:executing", "executing", "Refunding")]


def entry(kind: EntryKind, status: InterruptStatus, **more: Any) -> Entry:
    return Entry(slot="s", kind=kind, interrupt_id="int_c1", at=AT, status=status, tool_call_id="c1", **more)


@pytest.mark.parametrize(
    ("status", "decision", "becomes"),
    [
        (InterruptStatus.APPROVED, Approve(), "pending"),
        (InterruptStatus.REJECTED, Reject(), "cancelled"),
        (InterruptStatus.RESPONDED, Respond("x"), "completed"),
        (InterruptStatus.EXPIRED, Approve(), "pending"),
        (InterruptStatus.EXPIRED, Reject(), "cancelled"),
        (InterruptStatus.EXPIRED, None, "cancelled"),
        (InterruptStatus.SUPERSEDED, None, "cancelled"),
    ],
    ids=["approved", "rejected", "responded", "expired approve", "expired reject", "expired", "superseded"],
)
def test_a_decision_is_a_label_and_a_status(status: InterruptStatus, decision: Any, becomes: str) -> None:
    """B-108: `hitl_decision`."""
    (change,) = judged(CALL, entry(EntryKind.DECIDED, status, decision=decision))
    assert (str(change.row.status), change.row.metadata["hitl_decision"]) == (becomes, str(status))


def test_a_vote_that_decides_nothing_yet_changes_no_row() -> None:
    assert judged(CALL, entry(EntryKind.VOTED, InterruptStatus.PENDING)) == ()
    (asked,) = judged(CALL, entry(EntryKind.REQUESTED, InterruptStatus.PENDING))
    assert asked.row.status is RowStatus.INTERRUPTED


def test_a_question_that_is_moot_is_cancelled_without_a_label() -> None:
    waiting = CALL.but(status=RowStatus.INTERRUPTED)
    (change,) = judged(waiting, entry(EntryKind.SUPERSEDED, InterruptStatus.SUPERSEDED, reason="input_required"))
    assert (change.row.status, change.row.metadata) == (RowStatus.CANCELLED, {})
    assert judged(waiting, entry(EntryKind.DECIDED, InterruptStatus.RESPONDED, reason="input_required")) == ()


def settle(row: DisplayMessage, text: str, *, told_before: str | None = None, **more: Any) -> list[tuple[str, str]]:
    before = updated(CALL, {"status": "completed", "call_id": "c1", "result": told_before}, SHOWING)
    answer = before[1].row if told_before is not None else None
    result = ToolResult(tool_call_id="c1", content=text, **more)
    return [(str(change.row.status), change.row.text) for change in settled(row, answer, result, SHOWING)]


def test_the_record_ends_what_nobody_has_told_the_end_of() -> None:
    executing = CALL.but(status=RowStatus.EXECUTING)
    assert settle(executing, "done") == [("completed", "Refunding"), ("completed", "done")]
    assert settle(executing, "no", is_error=True) == [("failed", "Refunding"), ("failed", "no")]
    assert settle(executing, CANCELLED, is_error=True)[0] == ("cancelled", "Refunding")
    assert settle(executing, ABANDONED, is_error=True)[0] == ("cancelled", "Refunding")
    assert settle(executing, "?", is_interrupt=True) == []


def test_the_record_repeats_nothing_and_corrects_what_a_lost_attempt_told() -> None:
    completed = CALL.but(status=RowStatus.COMPLETED)
    assert settle(completed, "done", told_before="done") == []
    assert settle(CALL.but(status=RowStatus.FAILED), "done", told_before="dune") == [
        ("completed", "Refunding"),
        ("completed", "done"),
    ]


def test_a_rejected_call_stays_cancelled_whatever_the_model_reads() -> None:
    rejected = CALL.but(status=RowStatus.CANCELLED, metadata={"hitl_decision": "rejected"})
    assert settle(rejected, "Tool 'refund' was rejected") == [("completed", "Tool 'refund' was rejected")]


def test_changes_with_other_causes_have_slots_of_their_own() -> None:
    """So that an approval and a question after it are both told."""
    assert Change(CALL).slot != Change(CALL, "decided").slot


# ── what nobody has said ──────────────────────────────────────────────────────────────────────────────────────────


def notice(ending: Ending | None, last: Message | None = None) -> DisplayMessage | None:
    return ended(ending, "run_1", last, SHOWING)


def failed(type: str) -> Ending:
    return Ending(kind=OutcomeKind.FAILED, error=RunError(type=type, message="no credit"))


def test_an_error_names_its_type_where_it_is_known() -> None:
    """E-70, B-109."""
    row = notice(failed("model_failed"))
    assert row is not None
    assert (row.message_type, row.content_type, row.content["error_type"]) == ("system", "error", "model_failed")
    unknown = notice(failed(""))
    assert unknown is not None
    assert dict(unknown.content) == {"text": "no credit"}


def test_a_reply_that_broke_off_says_the_error_by_itself() -> None:
    """E-68."""
    assert notice(failed("model_failed"), Message.assistant("As I", status=MessageStatus.STREAM_ERROR)) is None
    assert notice(failed("model_failed"), Message.assistant("As I was saying.")) is not None


@pytest.mark.parametrize("kind", [OutcomeKind.FINISHED, OutcomeKind.PAUSED])
def test_a_run_that_ends_well_has_no_row(kind: OutcomeKind) -> None:
    assert notice(Ending(kind=kind)) is None
    assert notice(None) is None


def test_a_cancel_is_a_notice() -> None:
    row = notice(Ending(kind=OutcomeKind.CANCELLED))
    assert row is not None
    assert (row.content_type, row.content["kind"]) == ("notification", "cancelled")


@pytest.mark.parametrize("message", ["", "  ", None])
def test_a_halt_without_words_has_no_row(message: str | None) -> None:
    """E-69."""
    assert halted({"message": message}, "key", SHOWING) is None


def test_what_is_no_row_is_not_shown_as_one() -> None:
    """A tool may show anything; its event goes out as it is."""
    given: tuple[Any, ...] = (None, "text", {}, {"message_type": "nobody"}, {"message_type": "user", "sequence": "x"})
    assert [shown(row, "key", SHOWING) for row in given] == [None] * 5
    named: Mapping[str, Any] = {"message_type": "system", "id": "mine"}
    row = shown(named, "key", SHOWING)
    assert row is not None
    assert row.id == "mine"
