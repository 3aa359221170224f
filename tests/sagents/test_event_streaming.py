"""What a page shows while an agent works (B-111, B-153)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagents.events import Event
from sagents.streaming import StreamingMessage, StreamingSession

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def event(type: str, path: tuple[str, ...] = (), **data: Any) -> Event:
    return Event(agent_id="a", type=type, at=NOW, data=data, path=path)


def delta(text: str, stream: str = "msg_1", attempt: int = 1, **more: Any) -> Event:
    return event("llm_deltas", deltas=[{"text": text, **more}], stream_id=stream, attempt=attempt)


def said(text: str, *calls: str, stream: str = "msg_1") -> Event:
    asked = [{"call_id": call, "name": "look"} for call in calls]
    return event("llm_message", message={"role": "assistant", "content": text, "tool_calls": asked}, stream_id=stream)


def identified(call: str) -> Event:
    return event("tool_call_identified", call_id=call, name="look", display_text="Looking", arguments={"at": call})


def update(call: str, status: str, **more: Any) -> Event:
    return event("tool_execution_update", call_id=call, name="look", status=status, **more)


def status(name: str) -> Event:
    return event("status_changed", status=name)


def after(*events: Event, session: StreamingSession | None = None) -> StreamingSession:
    session = session or StreamingSession()
    for one in events:
        session = session.after(one)
    return session


def message(*events: Event) -> StreamingMessage:
    streaming = after(*events).message
    assert streaming is not None
    return streaming


def statuses(*events: Event) -> dict[str, str]:
    return {call.call_id: call.status for call in message(*events).calls}


def test_deltas_grow_into_one_message() -> None:
    grown = message(delta("I will "), delta("look", thinking="hm"), delta("", tool_name="look"))
    assert (grown.text, grown.thinking, grown.writes) == ("I will look", "hm", ("look",))


def test_a_new_attempt_begins_anew_and_an_older_one_is_dropped() -> None:
    """A worker that was given up may still stream while another one asks again."""
    assert message(delta("Once "), delta("Good ", attempt=2), delta("upon", attempt=1)).text == "Good "
    assert message(delta("Once "), delta("Good ", attempt=2), delta("day", attempt=2)).text == "Good day"


def test_what_was_said_takes_the_place_of_what_was_streamed() -> None:
    assert message(delta("I wil"), said("I will look", "c1")).text == "I will look"


def test_a_reply_without_calls_leaves_nothing_to_show() -> None:
    assert after(delta("Hello"), said("Hello")).message is None


def test_deltas_of_a_stream_that_is_closed_are_dropped() -> None:
    assert after(delta("Hello"), said("Hello"), delta(" again", attempt=7)).message is None
    assert message(said("Hello"), delta("Next", stream="msg_2")).text == "Next"


def test_siblings_share_the_message_until_the_last_one_has_ended() -> None:
    begun = (said("Both", "c1", "c2"), identified("c1"), identified("c2"))
    ends = (update("c2", "completed", result="2"), update("c1", "failed", error="no"))
    assert statuses(*begun, update("c1", "executing"), ends[0]) == {"c1": "executing", "c2": "completed"}
    assert after(*begun, *ends).message is None


def test_a_sibling_that_waits_for_a_person_keeps_the_message() -> None:
    waits = (said("Both", "c1", "c2"), update("c1", "interrupted"), update("c2", "completed"), status("interrupted"))
    assert statuses(*waits) == {"c1": "interrupted", "c2": "completed"}
    answered = (status("running"), update("c1", "executing"))
    assert statuses(*waits, *answered) == {"c1": "executing", "c2": "completed"}
    assert after(*waits, *answered, update("c1", "completed")).message is None


def test_calls_are_known_by_their_id_and_keep_what_later_events_do_not_repeat() -> None:
    (call,) = message(said("", "c1"), identified("c1"), update("c1", "executing", progress="half")).calls
    assert (call.display_text, call.arguments, call.progress) == ("Looking", {"at": "c1"}, "half")


LEFT: dict[str, Any] = {
    "reason": "inactivity",
    "agent_id": "a",
    "shutdown_at": NOW.isoformat(),
    "client_status": "inactive",
}


@pytest.mark.parametrize(
    "end",
    [status("idle"), status("cancelled"), status("error"), event("agent_shutdown", (), status="idle", **LEFT)],
    ids=["idle", "cancelled", "error", "left"],
)
def test_nothing_streams_at_rest(end: Event) -> None:
    assert after(delta("Hel"), end).message is None
    assert after(said("", "c1"), update("c1", "executing"), end).message is None


def test_after_a_reset_nothing_streams_but_what_is_closed_stays_so() -> None:
    reset = event("reset", first=7, snapshot={"position": 9, "status": "running"})
    session = after(said("Hello"), delta("Hel", stream="msg_2"), reset)
    assert session.message is None
    assert after(delta("late"), session=session).message is None


def test_who_comes_in_the_middle_sees_the_calls() -> None:
    assert statuses(update("c1", "executing")) == {"c1": "executing"}
    assert after(update("c1", "completed")).message is None


def test_sub_agents_stream_for_themselves() -> None:
    below = event("llm_deltas", ("research",), deltas=[{"text": "x"}], stream_id="msg_9", attempt=1)
    assert after(below).message is None
    shown = after(below, delta("of the parent"), session=StreamingSession(path=("research",))).message
    assert shown is not None
    assert shown.text == "x"


@pytest.mark.parametrize("data", [{}, {"deltas": 7}, {"status": "new"}])
@pytest.mark.parametrize("type", ["brand_new", "llm_deltas", "status_changed", "tool_execution_update", "reset"])
def test_what_nobody_knows_changes_nothing(type: str, data: dict[str, Any]) -> None:
    """B-152: unknown events must not crash the bridge."""
    session = after(delta("Hel"))
    assert session.after(event(type, **data)) == session


STEPS = st.lists(
    st.one_of(
        st.builds(delta, st.sampled_from("ab"), st.sampled_from(["msg_1", "msg_2"]), st.integers(1, 3)),
        st.builds(lambda stream: said("whole", stream=stream), st.sampled_from(["msg_1", "msg_2"])),
        st.builds(update, st.sampled_from(["c1", "c2"]), st.sampled_from(["executing", "interrupted", "completed"])),
    ),
    max_size=30,
)


@given(STEPS)
def test_tokens_that_are_lost_change_only_what_streams_now(steps: list[Event]) -> None:
    """Deltas are live only: whoever missed them sees the same as soon as the reply is whole."""
    without = [step for step in steps if step.type != "llm_deltas"]
    whole = [said("whole", "c9", stream="msg_3"), update("c1", "completed"), update("c2", "completed")]
    one, other = after(*steps, *whole), after(*without, *whole)
    assert one.closed == other.closed
    assert one.message == other.message


@given(STEPS)
def test_a_session_is_plain_json(steps: list[Event]) -> None:
    session = after(*steps)
    assert StreamingSession.model_validate_json(session.model_dump_json()) == session
