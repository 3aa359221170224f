"""What each event of an agent is in AG-UI, and in which order."""

from typing import Any

from sagents.events import Event
from sagents_infra.ag_ui import Projection, project
from tests.infra.ag_ui.client import Page, messages_of
from tests.infra.ag_ui.logs import AGENT, NOW, Log

FRAME = ["RUN_STARTED", "STATE_SNAPSHOT", "STATE_DELTA", "RUN_FINISHED"]


def a_run() -> Log:
    log = Log()
    log.status("running")
    return log


def page_of(log: Log) -> Page:
    return Page().read(*project(log.events))


def row(id: str, kind: str, content: dict[str, Any], whose: str = "user") -> dict[str, Any]:
    return {"id": id, "message_type": whose, "content_type": kind, "content": content, "at": str(NOW)}


def inside(page: Page) -> list[str]:
    """What was told between the frames of runs."""
    return [kind for kind in page.kinds if kind not in FRAME]


def test_streamed_tokens_are_told_as_they_come_and_the_whole_message_adds_only_what_is_missing() -> None:
    """B-152, B-153."""
    log = a_run()
    log.deltas("m1", "Hel", "lo", thinking="Hm.")
    log.message("m1", "Hello there", thinking="Hm.")
    log.rest("idle")
    page = page_of(log)
    assert [event["delta"] for event in page.events if event["type"] == "TEXT_MESSAGE_CONTENT"] == [
        "Hel",
        "lo",
        " there",
    ]
    assert page.kinds.count("REASONING_MESSAGE_CONTENT") == 1
    assert "MESSAGES_SNAPSHOT" not in page.kinds


def test_who_comes_late_gets_the_whole_message() -> None:
    log = a_run()
    log.message("m1", "Hello there", thinking="Hm.")
    log.rest("idle")
    page = page_of(log)
    assert page.texts == ["Hello there"]
    assert page.messages["m1:thoughts"]["content"] == "Hm."


def test_a_new_attempt_takes_back_what_the_one_before_said_and_that_one_is_heard_no_more() -> None:
    """B-153: streamed text is provisional."""
    log = a_run()
    log.deltas("m1", "Hel")
    log.deltas("m1", "Good ", attempt=2)
    before = page_of(log).texts
    log.deltas("m1", "lo", attempt=1)
    log.deltas("m1", "day", attempt=2)
    log.message("m1", "Good day")
    log.rest("idle")
    page = page_of(log)
    assert (before, page.texts) == (["Good "], ["Good day"])
    assert page.kinds.count("MESSAGES_SNAPSHOT") == 1, "only the restart takes anything back"


def test_a_reply_that_is_never_whole_is_taken_back_when_the_run_ends() -> None:
    log = a_run()
    log.deltas("m1", "Hel")
    log.rest("cancelled")
    page = page_of(log)
    assert (page.texts, page.outcomes) == ([], ["cancelled"])


def test_a_reply_that_was_cut_off_says_why() -> None:
    log = a_run()
    log.message("m1", "Hel")
    message = {**log.events[-1].data["message"], "status": "length"}  # type: ignore[dict-item] # it is a message
    log.events[-1] = log.events[-1].but(data={"message": message, "stream_id": "m1"})
    log.rest("idle")
    (end,) = [event for event in page_of(log).events if event["type"] == "TEXT_MESSAGE_END"]
    assert end["metadata"] == {"sagents": {"status": "length"}}


def test_calls_side_by_side_get_their_results_in_whatever_order_they_end() -> None:
    log = a_run()
    log.message("m1", "Let me look", "c1", "c2")
    for call, status in (("c2", "executing"), ("c1", "completed"), ("c2", "failed")):
        log.update(call, status)
    log.rest("idle")
    page = page_of(log)
    assert page.results == {"c1": "seen by c1", "c2": "broken"}
    assert [call["function"]["arguments"] for call in page.messages["m1"]["toolCalls"]] == ['{"n": 1}'] * 2
    failed = [event for event in page.events if event.get("toolCallId") == "c2" and event["type"] == "TOOL_CALL_RESULT"]
    assert failed[0]["metadata"] == {"sagents": {"status": "failed"}}


def test_a_call_that_nothing_was_told_of_has_an_empty_result_when_the_run_has_succeeded() -> None:
    """AG-UI: a call without one would be the page's own to run."""
    log = a_run()
    log.message("m1", "", "c1")
    log.rest("idle")
    assert page_of(log).results == {"c1": ""}


def test_an_interrupt_ends_a_run_and_the_decision_begins_the_next_one() -> None:
    """B-152: what waits, with the form of its answer; what becomes of it comes in the next run."""
    log = a_run()
    log.message("m1", "", "c1")
    log.approval("requested", "c1", arguments={"n": 1})
    log.rest("interrupted", "c1")
    page = page_of(log)
    (asked,) = page.interrupts
    assert (asked["id"], asked["toolCallId"], asked["reason"]) == ("int_c1", "c1", "tool_call")
    assert "expiresAt" not in asked
    log.approval("decided", "c1", "rejected", decision={"type": "reject", "reason": "no"})
    log.tell(
        "display_message_saved", {"row": {**row("c1.result", "tool_result", {"text": "no"}), "tool_call_id": "c1"}}
    )
    log.status("running")
    log.message("m2", "Then not.")
    log.rest("idle")
    page = page_of(log)
    assert (page.outcomes, page.results, page.texts) == (["interrupt", "success"], {"c1": "no"}, ["Then not."])
    assert len({run["runId"] for run in page.runs}) == 2


def test_a_call_of_a_sub_agent_that_people_answered_has_their_words_as_its_result() -> None:
    log = a_run()
    for call in ("c1", "c2"):
        log.message(f"m-{call}", "", call, path=("sub",))
    log.approval("decided", "c1", "responded", decision={"type": "respond", "content": {"n": 2}}, path=("sub",))
    log.approval("expired", "c2", "expired", path=("sub",))
    log.rest("cancelled")
    page = page_of(log)
    assert page.results == {"c1": '{"n":2}', "c2": ""}
    told = [event["metadata"]["sagents"] for event in page.events if event["type"] == "TOOL_CALL_RESULT"]
    assert told == [{"status": "responded"}, {"status": "expired"}]


def test_a_failed_run_says_what_went_wrong() -> None:
    log = a_run()
    log.rest("error")
    page = page_of(log)
    assert (page.runs[0]["message"], page.runs[0]["code"]) == ("It failed.", "model_failed")


def test_a_paused_run_waits_for_somebody_to_let_it_go_on() -> None:
    log = a_run()
    log.status("paused", {"kind": "paused", "cause": "quota"})
    (asked,) = page_of(log).interrupts
    assert (asked["reason"], asked["message"]) == ("sagents:paused", "quota")
    assert asked["id"].startswith("paused:")


def test_the_shared_state_begins_as_a_snapshot_and_is_patched_where_it_changes() -> None:
    """B-152: todos, status and title."""
    one, two = {"id": 1, "content": "a", "status": "pending"}, {"id": 2, "content": "b", "status": "pending"}
    log = Log()
    log.tell("todos_updated", {"todos": [one]})
    log.status("running")
    log.tell("todos_updated", {"todos": [{**one, "status": "completed"}, two]})
    log.tell("conversation_title_generated", {"title": "A talk", "agent_id": AGENT})
    log.rest("idle")
    page = Page().read(*project(log.events, state={"mine": 1}))
    assert page.events[1]["snapshot"] == {"mine": 1, "status": "running", "todos": [one]}
    patches = [event["delta"] for event in page.events if event["type"] == "STATE_DELTA"]
    assert [[operation["path"] for operation in patch] for patch in patches] == [
        ["/todos/0", "/todos/-"],
        ["/title"],
        ["/status"],
    ]
    todos = [{**one, "status": "completed"}, two]
    assert page.state == {"mine": 1, "status": "idle", "todos": todos, "title": "A talk"}


def test_sub_agents_are_announced_with_the_call_they_answer_and_closed_with_their_result() -> None:
    """E-71: also when they are ended with their parent's run."""
    log = a_run()
    for name in ("one", "two"):
        about = {"sub_agent_id": f"{AGENT}/{name}", "parent_id": AGENT, "name": name, "call_id": f"c-{name}"}
        log.tell("subagent_started", about, path=(name,))
    log.message("m1", "I look", path=("one",))
    log.deltas("m2", "deeper", path=("one", "inner"))
    log.tell("subagent_completed", {"sub_agent_id": f"{AGENT}/one", "name": "one", "result": "found"}, path=("one",))
    log.tell("subagent_cancelled", {"sub_agent_id": f"{AGENT}/two", "name": "two", "reason": "enough"}, path=("two",))
    log.rest("cancelled")
    page = page_of(log)
    ended = {which.removeprefix(f"{AGENT}/"): (sub.get("call"), sub["ended"]) for which, sub in page.subagents.items()}
    assert ended["one"] == ("c-one", "success")
    assert ended["two"] == ("c-two", "enough")
    assert page.subagents[f"{AGENT}/one/inner"]["above"] == f"{AGENT}/one"


def test_what_only_debuggers_or_auditors_need_does_not_reach_the_page() -> None:
    """The prompt, hashes and targets of notices stay where they are."""
    log = a_run()
    log.tell("after_middleware_state", {"message_count": 1, "system_prompt": "You are secret"}, live=True)
    log.tell("middleware_action", {"middleware": "x", "action": "failed"})
    log.approval("requested", "c1", notify=["#finance"], record="step:1", policy="secret")
    log.rest("idle")
    page = page_of(log)
    assert inside(page) == ["CUSTOM"]
    assert page.custom == [
        ("approval.requested", {"interrupt_id": "int_c1", "tool": "look", "tool_call_id": "c1", "summary": "Look?"})
    ]


def test_what_has_no_event_in_ag_ui_goes_as_it_is() -> None:
    """B-152: an event that a page does not know harms nothing."""
    log = a_run()
    log.tell("message_queued", {"message": {"role": "user", "content": "wait"}})
    log.tell("my_own", {"n": 1})
    log.rest("idle")
    assert page_of(log).custom[1] == ("my_own", {"n": 1})


def test_rows_tell_what_others_said_and_notices_but_nothing_that_was_told() -> None:
    """B-103, B-105."""
    log = a_run()
    log.tell("display_message_saved", {"row": row("mine.0", "text", {"text": "Hi"})})
    log.tell("display_message_saved", {"row": row("theirs.0", "text", {"text": "Hello"})})
    log.tell("display_message_saved", {"row": row("m1.0", "text", {"text": "Told"}, "assistant")})
    halted = {**row("c9.halt", "text", {"text": "Out of stock"}, "assistant"), "metadata": {"halted": True}}
    log.tell("display_message_saved", {"row": halted})
    log.tell("display_message_saved", {"row": row("n1", "notification", {"text": "Cancelled"}, "system")})
    log.rest("idle")
    mine = Page([{"id": "mine", "role": "user", "content": "Hi"}])
    page = mine.read(*project(log.events, messages=messages_of(mine)))
    assert [one["content"] for one in page.messages.values()] == ["Hi", "Hello", "Out of stock"]
    assert [(name, value["row"]["id"]) for name, value in page.custom] == [("display_message_saved", "n1")]


def test_tokens_of_a_run_are_summed_with_those_of_its_sub_agents() -> None:
    log = a_run()
    log.tell("llm_token_usage", {"usage": {"input": 5, "output": 2}})
    log.tell("llm_token_usage", {"usage": {"input": 3}}, path=("sub",))
    log.rest("idle")
    assert page_of(log).runs[0]["usage"] == [{"inputTokens": 8, "outputTokens": 2, "totalTokens": 10}]


def test_a_trimmed_log_leaves_what_is_known_now() -> None:
    """B-154."""
    projection = Projection(AGENT)
    todos = [{"id": 1, "content": "a", "status": "pending"}]
    snapshot = {"position": 9, "status": "idle", "todos": todos, "interrupts": [], "rows": []}
    log = Log()
    log.tell("reset", {"first": 5, "snapshot": snapshot}, live=True)
    log.status("running")
    page = Page()
    for event in log.events:
        page.read(*projection.tell(event))
    assert page.state["todos"] == todos


def test_times_are_milliseconds() -> None:
    log = a_run()
    (started, *_) = page_of(log).events
    assert started["timestamp"] == int(NOW.timestamp() * 1000)
    assert started["protocolVersion"] == "1.0"


def test_events_of_older_writers_have_no_stream_and_are_told_whole() -> None:
    log = a_run()
    log.deltas("", "Hel")
    log.events.append(
        Event(
            agent_id=AGENT,
            type="llm_message",
            at=NOW,
            data={"message": {"role": "assistant", "content": "Hello", "id": "m1"}},
            id=9,
        )
    )
    log.rest("idle")
    assert page_of(log).texts == ["Hello"]
