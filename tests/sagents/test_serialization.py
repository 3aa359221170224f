"""Exports, imports of every version there was, and loading what was saved."""

import base64
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from sagents.errors import InvalidState
from sagents.messages import ContentPart, Message, MessageStatus, PartType, TokenUsage, ToolCall, ToolResult
from sagents.metadata import same
from sagents.migrations import VERSION, NewerState
from sagents.serialization import export_state, import_pending_message, import_state
from sagents.state import State
from sagents.todo import Todo, TodoStatus
from tests.sagents.strategies import states

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)
HI = Message.user("hi")
QUESTION: dict[str, Any] = {
    "type": "ask_user_question",
    "question": "Which one?",
    "options": [{"label": "A", "value": 1}],
}
ASKED = Message.tool(ToolResult(tool_call_id="q", is_interrupt=True, interrupt_data=QUESTION))


class ClaimsAll:
    """Stands in for middleware that can restore every interrupt."""

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        return True


class Saved:
    """Stands in for an application's persistence."""

    def __init__(self, payload: Any = None, failure: Exception | None = None) -> None:
        self.payload, self.failure = payload, failure
        self.asked: list[tuple[Any, dict[str, Any]]] = []

    async def load_state(self, scope: Any, context: Mapping[str, Any], /) -> Any:
        self.asked.append((scope, dict(context)))
        if self.failure:
            raise self.failure
        return self.payload


def exported(state: State) -> dict[str, Any]:
    return export_state(state, serialized_at=NOON)


def known(state: State) -> dict[str, Any]:
    return state.model_dump(mode="json")


def every_key(value: Any) -> list[Any]:
    match value:
        case dict():
            return [*value, *(key for inner in value.values() for key in every_key(inner))]
        case list():
            return [key for inner in value for key in every_key(inner)]
        case _:
            return []


def reference(version: int | None, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An export as the reference wrote it."""
    state = {"messages": list(messages), "todos": [], "metadata": {}, **more}
    return {"state": state, "serialized_at": "2025-01-31T12:00:00Z"} | ({"version": version} if version else {})


def task(name: str, **arguments: Any) -> dict[str, Any]:
    call = {"call_id": "c", "type": "function", "name": name, "arguments": arguments, "status": "complete"}
    return {"role": "assistant", "content": None, "status": "complete", "tool_calls": [call]}


def arguments_of(state: State) -> Any:
    return state.messages[0].tool_calls[0].arguments


# --- the envelope


def test_export_has_a_version_the_state_and_when() -> None:
    """T-51: todos are written out, the rest is brief."""
    state = State(messages=(HI,), todos=(Todo(id=1, content="look"),), metadata={"k": True})
    assert exported(state) == {
        "version": 3,
        "state": {
            "messages": [{"role": "user", "content": "hi"}],
            "todos": [{"id": 1, "content": "look", "status": "pending"}],
            "metadata": {"k": True},
        },
        "serialized_at": "2025-01-31T12:00:00+00:00",
    }
    assert exported(State())["state"] == {"messages": [], "todos": [], "metadata": {}}


def test_message_that_was_waiting_travels_along() -> None:
    """T-51."""
    waiting = export_state(State(), serialized_at=NOON, pending_message=HI)
    assert import_pending_message(waiting) == HI
    assert import_pending_message(exported(State())) is None
    assert import_pending_message({**waiting, "pending_message": "garbage"}) is None
    older = {"version": 2, "state": {}, "pending_message": {"role": "user", "content": "hi", "status": None}}
    assert import_pending_message(older) == HI


@given(states)
def test_import_of_an_export_is_the_same_state(state: State) -> None:
    """T-50, T-51, T-57: once swept, for an interrupt without data is never restored."""
    swept = state.clean_stale_interrupts([ClaimsAll()])
    wire = json.loads(json.dumps(exported(swept)))
    assert same(known(import_state("a", wire, [ClaimsAll()])), known(swept))
    assert exported(import_state("a", wire, [ClaimsAll()])) == wire


@given(states)
def test_every_key_of_an_export_is_text(state: State) -> None:
    """T-51, E-17."""
    assert all(type(key) is str for key in every_key(exported(state)))


def test_who_the_agent_is_and_how_it_runs_is_not_in_an_export() -> None:
    """T-2, T-5, T-62, E-16, E-22."""
    state = State(
        agent_id="secret-agent",
        conversation_id="secret-conversation",
        runtime={"api_key": "secret-key", "call": print},
        interrupt_data={"type": "secret-halt"},
        pause_reason="secret-reason",
    )
    assert "secret" not in json.dumps(exported(state))


def test_pause_reason_is_gone_after_a_round_trip() -> None:
    """E-5, T-2."""
    assert import_state("a", exported(State(pause_reason="later"))).pause_reason is None


def test_saved_data_cannot_set_fields_that_are_never_saved() -> None:
    """T-2, T-5."""
    data = {"messages": [], "agent_id": "other", "runtime": {"admin": True}, "interrupt_data": {"type": "halt"}}
    assert State.from_serialized("mine", data) == State(agent_id="mine")


def test_restoring_under_another_id_is_a_fork() -> None:
    """T-5, T-50."""
    original = State(agent_id="one", messages=(HI,))
    assert import_state("two", exported(original)) == State(agent_id="two", messages=(HI,))


# --- from_serialized


def test_agent_id_is_required_to_restore() -> None:
    """T-5, T-50."""
    with pytest.raises(InvalidState, match="agent_id"):
        State.from_serialized("", {"messages": []})


def test_restoring_reads_the_state_of_an_export_or_all_of_it() -> None:
    """T-50."""
    all_of_it = exported(State(messages=(HI,)))
    assert State.from_serialized("a", all_of_it["state"]) == State.from_serialized("a", all_of_it)


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        {"messages": ["text"]},
        {"messages": [{"role": "nobody"}]},
        {"todos": [{"id": 1, "content": ""}]},
        {"metadata": {"n": float("nan")}},
        {"state": 3},
    ],
)
def test_malformed_data_is_an_invalid_state(data: Any) -> None:
    """T-50."""
    with pytest.raises(InvalidState):
        State.from_serialized("a", data)


def test_restoring_without_middleware_demotes_every_interrupt() -> None:
    """T-46, T-50."""
    (message,) = State.from_serialized("a", exported(State(messages=(ASKED,)))["state"]).messages
    assert message.tool_results[0].is_error


def test_interrupt_data_survives_as_plain_json() -> None:
    """E-19, T-44."""
    assert import_state("a", exported(State(messages=(ASKED,))), [ClaimsAll()]).messages == (ASKED,)


@pytest.mark.parametrize("part", ["messages", "todos", "metadata"])
@pytest.mark.parametrize("garbage", ["text", 3, None])
def test_part_of_another_kind_altogether_counts_as_empty(part: str, garbage: Any) -> None:
    """T-64."""
    assert State.from_serialized("a", {part: garbage}) == State(agent_id="a")
    assert import_state("a", reference(2, **{part: garbage})) == State(agent_id="a")


def test_fields_of_a_newer_writer_survive_a_round_trip() -> None:
    """T-56: on the state, its messages, parts, calls, results and todos."""
    call = {"call_id": "c", "name": "add", "cost": 1}
    result = {"tool_call_id": "c", "content": [{"type": "text", "content": "x", "lang": "de"}], "took_ms": 3}
    state = {
        "messages": [
            {"role": "assistant", "mood": "good", "tool_calls": [call]},
            {"role": "tool", "tool_results": [result]},
        ],
        "todos": [{"id": 1, "content": "x", "status": "pending", "due": "tomorrow"}],
        "metadata": {},
        "memories": [{"of": "you"}],
    }
    assert exported(State.from_serialized("a", state))["state"] == state


def test_json_types_stay_what_they_are() -> None:
    """T-57."""
    metadata: dict[str, Any] = {
        "yes": True,
        "one": 1,
        "half": 0.5,
        "whole": 1.0,
        "none": None,
        "text": "true",
        "list": [False, 0],
    }
    restored = import_state("a", json.loads(json.dumps(exported(State(metadata=metadata)))))
    assert same(dict(restored.metadata), metadata)


def test_usage_statuses_and_metadata_of_messages_are_kept() -> None:
    """T-60, E-20: the marker of a dead stream and the details of a stop too."""
    message = Message.assistant(
        "It ra",
        name="weather",
        status=MessageStatus.STREAM_ERROR,
        usage=TokenUsage(input=3, output=5, raw={"cached": 1}),
        metadata={"streaming_error": {"type": "closed", "message": "gone"}, "stop_details": {"why": [1]}},
    )
    assert import_state("a", exported(State(messages=(message,)))).messages == (message,)


def test_raw_error_of_a_dead_stream_cannot_get_into_a_message() -> None:
    """E-20, T-62."""
    with pytest.raises(InvalidState, match="streaming_error"):
        State.new(messages=[{"role": "assistant", "metadata": {"streaming_error": {"original": ValueError("x")}}}])


def test_parts_calls_and_results_are_kept_whole() -> None:
    """T-61, E-18: arguments that are still text, display texts and metadata of calls."""
    picture = ContentPart(type=PartType.IMAGE, content="aGk=", options={"media_type": "image/png"})
    call = ToolCall(call_id="1", name="add", arguments='{"a": 1', status="incomplete", display_text="Adding")
    result = ToolResult(tool_call_id="1", name="add", content=(picture,), is_error=True, display_text="Failed")
    messages = (Message.user((picture,)), Message.assistant(tool_calls=(call,)), Message.tool(result))
    assert import_state("a", exported(State(messages=messages))).messages == messages


# --- older and newer versions


def test_reference_export_is_read() -> None:
    """T-60, T-61: nulls, types and words of its own."""
    call = {"call_id": "c", "type": "function", "name": "add", "arguments": {"a": 1}, "status": "complete"}
    result = {"type": "function", "tool_call_id": "c", "name": "add", "content": [{"type": "text", "content": "2"}]}
    state = import_state(
        "a",
        reference(
            2,
            {"role": "user", "content": [{"type": "text", "content": "1+1?", "options": {"cache_control": True}}]},
            {"role": "assistant", "content": None, "status": "length", "tool_calls": [call], "tool_results": None},
            {"role": "tool", "content": None, "status": "novel", "tool_results": [{**result, "is_error": False}]},
            {"content": [{"type": "hologram", "content": "x", "options": []}]},
            todos=[{"id": "kx9w==", "content": "look", "status": "completed"}],
            metadata={"title": "Sums"},
        ),
    )
    assert state == State(
        agent_id="a",
        messages=(
            Message.user((ContentPart(content="1+1?", options={"cache_control": True}),)),
            Message.assistant(
                status=MessageStatus.LENGTH, tool_calls=(ToolCall(call_id="c", name="add", arguments={"a": 1}),)
            ),
            Message.tool(ToolResult(tool_call_id="c", name="add", content=(ContentPart(content="2"),))),
            Message.user((ContentPart(type=PartType.UNSUPPORTED, content="x"),)),
        ),
        todos=(Todo(id=1, content="look", status=TodoStatus.COMPLETED),),
        metadata={"title": "Sums"},
    )


@pytest.mark.parametrize(
    "blob", [base64.b64encode(b"\x83t\x00\x00\x00\x00").decode(), "not base64!", base64.b64encode(b"junk").decode(), 7]
)
def test_interrupts_of_the_reference_come_without_their_data(blob: Any) -> None:
    """T-61, E-19: an Erlang term, whole or corrupt, is not read, and so the interrupt is demoted (T-41)."""
    result = {"type": "function", "tool_call_id": "q", "is_interrupt": True, "interrupt_data_b64": blob}
    state = import_state("a", reference(2, {"role": "tool", "tool_results": [result]}), [ClaimsAll()])
    (demoted,) = state.messages[0].tool_results
    assert (demoted.is_error, demoted.is_interrupt, demoted.interrupt_data) == (True, False, None)


@pytest.mark.parametrize("name", ["task", "get_task_instructions"])
@pytest.mark.parametrize("version", [1, None])
def test_argument_of_the_sub_agent_tools_is_renamed(name: str, version: int | None) -> None:
    """T-63, E-21: a version that is missing is 1."""
    old = reference(version, task(name, subagent_type="research", instructions="go"))
    assert arguments_of(import_state("a", old)) == {"task_name": "research", "instructions": "go"}


@pytest.mark.parametrize("version", [2, 3])
def test_later_versions_are_not_renamed(version: int) -> None:
    """T-63, E-21."""
    assert arguments_of(import_state("a", reference(version, task("task", subagent_type="x")))) == {
        "subagent_type": "x"
    }


def test_other_tools_and_arguments_are_not_renamed() -> None:
    """T-63, E-21."""
    assert arguments_of(import_state("a", reference(1, task("mine", subagent_type="x")))) == {"subagent_type": "x"}
    assert arguments_of(import_state("a", reference(1, task("task", task_name="x")))) == {"task_name": "x"}
    text = task("task")
    text["tool_calls"][0]["arguments"] = '{"subagent_type"'
    assert arguments_of(import_state("a", reference(1, text))) == '{"subagent_type"'


@pytest.mark.asyncio
async def test_migrations_run_on_every_way_in() -> None:
    """T-56."""
    old = reference(1, task("task", subagent_type="x"))
    context = {"agent_id": "a"}
    ways = [
        import_state("a", old),
        State.from_serialized("a", old),
        State.from_serialized("a", old["state"]),
        await State.load_or_new(Saved(old), None, context),
    ]
    assert [arguments_of(state) for state in ways] == [{"task_name": "x"}] * 4
    waiting = {**reference(1), "pending_message": task("task", subagent_type="x")}
    pending = import_pending_message(waiting)
    assert pending is not None
    assert pending.tool_calls[0].arguments == {"task_name": "x"}


def test_newer_version_is_refused_and_says_what_to_do() -> None:
    """T-56."""
    with pytest.raises(NewerState, match=rf"version 9, this program reads up to {VERSION}: upgrade"):
        import_state("a", reference(9))


@pytest.mark.parametrize("version", ["3", 0, -1, 2.0, True, [], None])
def test_version_that_is_none_is_malformed(version: Any) -> None:
    """T-56."""
    with pytest.raises(InvalidState, match="no format version"):
        import_state("a", {**reference(1), "version": version})


# --- load_or_new


@pytest.mark.asyncio
async def test_nothing_saved_is_a_fresh_state_with_its_seed() -> None:
    """T-52, T-53, E-15."""
    state = await State.load_or_new(
        Saved(), None, {"agent_id": "a", "conversation_id": 7}, fresh_state_attrs={"metadata": {"k": 1}}
    )
    assert state == State(agent_id="a", conversation_id=7, metadata={"k": 1})


@pytest.mark.asyncio
async def test_saved_state_is_restored_and_the_seed_ignored() -> None:
    """T-52, T-53, E-15."""
    saved = Saved(exported(State(messages=(HI,))))
    context = {"agent_id": "a", "conversation_id": 7}
    state = await State.load_or_new(saved, None, context, fresh_state_attrs={"metadata": {"k": 1}})
    assert state == State(agent_id="a", conversation_id=7, messages=(HI,))


@pytest.mark.asyncio
async def test_persistence_is_asked_with_scope_and_context() -> None:
    """T-54, E-15."""
    saved = Saved()
    await State.load_or_new(saved, {"tenant": "t"}, {"agent_id": "a", "conversation_id": 7})
    await State.load_or_new(saved, None, {"agent_id": "a"})
    assert saved.asked == [
        ({"tenant": "t"}, {"agent_id": "a", "conversation_id": 7}),
        (None, {"agent_id": "a", "conversation_id": None}),
    ]


@pytest.mark.asyncio
async def test_persistence_may_answer_at_once() -> None:
    """T-52."""

    class Sync:
        def load_state(self, scope: Any, context: Mapping[str, Any], /) -> Mapping[str, Any]:
            return exported(State(messages=(HI,)))

    assert (await State.load_or_new(Sync(), None, {"agent_id": "a"})).messages == (HI,)


UNUSABLE = [{}, "text", [], {"version": 3}, {"messages": []}, {"state": {"messages": [{"role": "nobody"}]}}]


@pytest.mark.asyncio
@pytest.mark.parametrize("payload", UNUSABLE)
async def test_unusable_save_is_put_aside_before_a_fresh_state_replaces_it(payload: Any) -> None:
    """T-52, T-53, T-55, E-15: one bad message makes all of it unusable."""
    aside: list[tuple[Any, str]] = []

    async def put_aside(unusable: Any, reason: str) -> None:
        aside.append((unusable, reason))

    state = await State.load_or_new(
        Saved(payload), None, {"agent_id": "a"}, fresh_state_attrs={"metadata": {"k": 1}}, on_unusable=put_aside
    )
    assert state == State(agent_id="a", metadata={"k": 1})
    assert [unusable for unusable, _ in aside] == [payload]
    assert all(reason for _, reason in aside)


@pytest.mark.asyncio
async def test_unusable_save_is_a_warning_unless_somebody_takes_it(caplog: pytest.LogCaptureFixture) -> None:
    """T-52."""
    with caplog.at_level(logging.WARNING, "sagents"):
        await State.load_or_new(Saved({"version": 3}), None, {"agent_id": "a"})
    assert "unusable" in caplog.text


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [None, "text", [1], 3])
async def test_seed_that_is_no_map_counts_as_none(seed: Any) -> None:
    """T-53."""
    assert await State.load_or_new(Saved(), None, {"agent_id": "a"}, fresh_state_attrs=seed) == State(agent_id="a")


@pytest.mark.asyncio
async def test_store_out_of_reach_never_becomes_a_fresh_state() -> None:
    """T-55: it would be saved over good data."""
    with pytest.raises(ConnectionError):
        await State.load_or_new(Saved(failure=ConnectionError("down")), None, {"agent_id": "a"})


@pytest.mark.asyncio
async def test_newer_save_never_becomes_a_fresh_state() -> None:
    """T-55, T-56: during a deploy an old program meets what a new one wrote."""
    with pytest.raises(NewerState):
        await State.load_or_new(Saved(reference(9)), None, {"agent_id": "a"})


@pytest.mark.asyncio
async def test_place_to_put_aside_that_fails_never_becomes_a_fresh_state() -> None:
    """T-55."""

    def fails(payload: Any, reason: str) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await State.load_or_new(Saved({}), None, {"agent_id": "a"}, on_unusable=fails)


@pytest.mark.asyncio
async def test_interrupts_are_swept_by_the_middleware_that_loads() -> None:
    """T-40, T-52."""
    saved = Saved(exported(State(messages=(ASKED,))))
    kept = await State.load_or_new(saved, None, {"agent_id": "a"}, claims=[ClaimsAll()])
    demoted = await State.load_or_new(saved, None, {"agent_id": "a"})
    assert kept.messages == (ASKED,)
    assert demoted.messages[0].tool_results[0].is_error
