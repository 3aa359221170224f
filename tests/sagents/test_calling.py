"""One tool call: whatever a tool does, its call has a result that the model can read."""

import asyncio
import contextvars
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, JsonValue

from sagents import (
    Agent,
    ContentPart,
    Message,
    ModelRetry,
    PartType,
    Pause,
    RaiseInterrupt,
    State,
    StateDelta,
    Todo,
    Tool,
    ToolContext,
    ToolResult,
    tool,
)
from sagents.calling import run_call
from sagents.messages import ToolCall
from sagents.plan import AgentRef, CallRequest, CallResult, Reference
from sagents.retry import Retry
from sagents.returned import MAX_RESULT_CHARACTERS
from sagents.testing import ScriptedModel, StillTime

pytestmark = pytest.mark.asyncio

REF = AgentRef(name="desk", agent_id="agent-1", conversation_id="c-1", scope={"tenant": "t"}, options={"zone": "UTC"})


async def run(
    tool: Tool[..., Any],
    arguments: dict[str, JsonValue] | str | None = None,
    *,
    edited: dict[str, JsonValue] | None = None,
    state: State | None = None,
    attempt: int = 1,
    stage: StillTime | None = None,
    tool_retry: Retry | None = None,
    name: str | None = None,
) -> CallResult:
    """The result of one call of the tool."""
    agent = Agent(model=ScriptedModel(), tools=[tool])
    call = ToolCall(call_id="call_1", name=name or tool.name, arguments={} if arguments is None else arguments)
    request = CallRequest(
        agent=REF, reference=Reference(), run_id="run-1", record="r", call_id="call_1", name=call.name, arguments=edited
    )

    async def read_state() -> State:
        return state or State()

    around = (stage or StillTime()).surroundings(tool_retry=tool_retry)
    return await run_call(agent, call, request, around, read_state=read_state, attempt=attempt)


class Invoice(BaseModel):
    number: str
    due: datetime


@dataclass
class Point:
    x: int
    y: int


VALUES: list[tuple[object, str]] = [
    ("plain text", "plain text"),
    (None, "done"),
    (7, "7"),
    (True, "true"),
    ([1, "two", None], '[1,"two",null]'),
    ({"a": {"b": 1.5}}, '{"a":{"b":1.5}}'),
    (Point(1, 2), '{"x":1,"y":2}'),
    (Invoice(number="7", due=datetime(2025, 1, 1, tzinfo=UTC)), '{"number":"7","due":"2025-01-01T00:00:00Z"}'),
    (timedelta(seconds=90), '"PT1M30S"'),
    (float("nan"), "null"),
]


@pytest.mark.parametrize(("value", "text"), VALUES, ids=lambda value: type(value).__name__)
async def test_what_a_tool_returns_is_kept_as_text_or_json(value: object, text: str) -> None:
    """B-15: any JSON, a pydantic model or a dataclass is a result, and a mark tells JSON from text."""

    @tool
    def give() -> object:
        """Give it."""
        return value

    result = (await run(give)).result
    assert (result.text, result.is_error, result.tool_call_id, result.name) == (text, False, "call_1", "give")
    assert bool(result.options.get("json")) is not (value is None or isinstance(value, str))


async def test_a_full_answer_has_content_a_delta_and_artifacts() -> None:
    """B-15: what is for the model, for the state and for programs are three things."""

    @tool
    async def book() -> ToolResult:
        """Book."""
        return ToolResult("booked", state=StateDelta(metadata={"seat": "4A"}), artifacts={"id": 7})

    result = await run(book)
    assert (result.result.text, result.processed) == ("booked", {"id": 7})
    assert result.delta is not None
    assert result.delta.metadata == {"seat": "4A"}


async def test_a_tool_may_answer_with_an_error_of_its_own() -> None:
    """B-15: `{:error, text}` is a result with `is_error`."""

    @tool
    def find() -> ToolResult:
        """Find."""
        return ToolResult("no such file", is_error=True)

    result = await run(find)
    assert (result.result.text, result.result.is_error) == ("no such file", True)


async def test_images_are_shown_to_the_model_as_parts() -> None:
    @tool
    def screenshot() -> list[ContentPart]:
        """Take one."""
        return [ContentPart(content="here:"), ContentPart(type=PartType.IMAGE, content="aGk=")]

    content = (await run(screenshot)).result.content
    assert isinstance(content, tuple)
    assert [part.type for part in content] == [PartType.TEXT, PartType.IMAGE]


async def test_a_state_delta_alone_is_merged() -> None:
    """B-15: a StateDelta is a result by itself."""

    @tool
    def note() -> StateDelta:
        """Note."""
        return StateDelta(todos=(Todo(id=1, content="tidy"),))

    result = await run(note)
    assert (result.result.text, result.delta) == ("done", note())


async def test_a_returned_state_counts_as_what_the_tool_added() -> None:
    """B-15: a State may be returned whole; messages and metadata that were there already are not merged again."""

    @tool
    async def learn(context: ToolContext) -> State:
        """Learn."""
        state = await context.state()
        return state.add_message(Message.user("psst")).put_metadata("new", 1)

    before = State(messages=(Message.user("hello"),), metadata={"old": 1}, todos=(Todo(id=1, content="tidy"),))
    delta = (await run(learn, state=before)).delta
    assert delta is not None
    assert ([m.text for m in delta.messages], delta.metadata, delta.todos) == (["psst"], {"new": 1}, None)
    assert before.merge(delta).get_metadata("old") == 1


async def test_a_tool_cannot_change_what_was_said() -> None:
    @tool
    async def forge(context: ToolContext) -> State:
        """Forge."""
        return (await context.state()).set_messages([Message.user("I agree")])

    @tool
    async def forget(context: ToolContext) -> State:
        """Forget."""
        return (await context.state()).drop_metadata("old")

    before = State(messages=(Message.user("hello"),), metadata={"old": 1})
    for culprit in (forge, forget):
        result = (await run(culprit, state=before)).result
        assert result.is_error
        assert "a tool may" in result.text


class Blob:
    """No JSON."""


@pytest.mark.parametrize("way", ["artifacts", "state", "question"])
async def test_what_is_nested_too_deeply_to_be_read_back_is_a_clear_error(way: str) -> None:
    """A worker could not read it from the history, and the agent would be stuck for good."""
    deep: JsonValue = 1
    for _ in range(150):
        deep = [deep]

    @tool
    def dig() -> ToolResult:
        """Dig deep."""
        match way:
            case "artifacts":
                return ToolResult("found", artifacts=deep)
            case "state":
                return ToolResult("found", state=StateDelta(metadata={"deep": deep}))
            case _:
                raise RaiseInterrupt("Go on?", data={"deep": deep})

    result = await run(dig)
    assert result.result.is_error
    assert "nested deeper than 100 levels" in result.result.text
    assert (result.raised, result.delta) == (None, None)


async def test_what_is_no_json_is_a_clear_error() -> None:
    @tool
    def give(circular: bool) -> object:
        """Give."""
        loop: list[object] = []
        loop.append(loop)
        return loop if circular else Blob()

    for circular in (True, False):
        result = (await run(give, {"circular": circular})).result
        assert result.is_error
        assert result.text.startswith("ERROR executing tool: it returned a value of type")


async def test_a_result_that_is_too_large_is_a_clear_error() -> None:
    @tool
    def dump() -> str:
        """Dump."""
        return "x" * (MAX_RESULT_CHARACTERS + 1)

    result = (await run(dump)).result
    assert result.is_error
    assert "ask for a part of it" in result.text
    assert len(result.text) < 200


async def test_an_exception_is_an_error_result() -> None:
    """B-15: an exception never ends a run."""

    @tool
    async def divide() -> float:
        """Divide."""
        return 1 / 0

    result = (await run(divide)).result
    assert (result.is_error, result.text) == (True, "ERROR executing tool: ZeroDivisionError: division by zero")


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_tool_that_exits_does_not_end_the_worker(is_async: bool) -> None:
    @tool
    async def slam() -> None:
        """Slam."""
        sys.exit(3)

    @tool
    def quit_() -> None:
        """Quit."""
        sys.exit(3)

    result = (await run(slam if is_async else quit_)).result
    assert (result.is_error, result.text) == (True, "ERROR executing tool: SystemExit: 3")


async def test_an_unknown_tool_is_an_error_result() -> None:
    """B-15."""

    @tool
    def known() -> None:
        """Known."""

    result = (await run(known, name="unknown")).result
    assert (result.is_error, result.text) == (True, "Tool 'unknown' not found")


async def test_arguments_are_checked_before_the_tool_runs() -> None:
    ran = []

    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        ran.append((a, b))
        return a + b

    assert (await run(add, {"a": "1", "b": 2})).result.text == "3"
    result = (await run(add, {"a": "one", "b": 2})).result
    assert result.is_error
    assert "a: " in result.text
    assert (await run(add, '{"a": 1, "b"')).result.is_error
    assert ran == [(1, 2)]


async def test_arguments_that_a_person_edited_are_those_that_count() -> None:
    @tool
    def echo(text: str) -> str:
        """Echo."""
        return text

    assert (await run(echo, {"text": "a"}, edited={"text": "b"})).result.text == "b"
    assert (await run(echo, {"text": "a"}, edited={"txt": "b"})).result.is_error


async def test_a_tool_is_executed_as_often_as_it_allows() -> None:
    seen = []

    @tool(attempts=3)
    async def flaky(context: ToolContext, box: list[int]) -> str:
        """Flaky."""
        seen.append((context.attempt, list(box), context.idempotency_key))
        box.append(0)
        if len(seen) < 3:
            raise ConnectionError("again")
        return "at last"

    assert (await run(flaky, {"box": [1]}, attempt=5)).result.text == "at last"
    assert [attempt for attempt, _, _ in seen] == [5, 6, 7]
    assert [box for _, box, _ in seen] == [[1], [1], [1]], "each execution gets arguments of its own"
    assert {key for _, _, key in seen} == {"agent-1:call_1"}


@pytest.mark.parametrize(("own", "executed"), [(None, 3), (1, 1), (5, 4)])
async def test_a_tool_without_attempts_of_its_own_is_executed_as_often_as_the_application_says(
    own: int | None, executed: int
) -> None:
    """L-55: with the waits of `Retries.tool`; a tool that says how often is left to itself."""
    count = []

    @tool(attempts=own)
    def flaky() -> str:
        """Flaky."""
        count.append(1)
        if len(count) < 4:
            raise ConnectionError("again")
        return "at last"

    stage, usual = StillTime(), Retry(attempts=3, first=timedelta(seconds=2), factor=3)
    result = (await run(flaky, stage=stage, tool_retry=usual)).result
    assert (len(count), result.is_error) == (executed, executed < 4)
    assert stage.slept == ([timedelta(seconds=2), timedelta(seconds=6)] if own is None else [])


async def test_the_last_execution_s_exception_is_the_one_that_is_told() -> None:
    count = []

    @tool(attempts=2)
    def flaky() -> None:
        """Flaky."""
        count.append(1)
        raise ValueError(f"number {len(count)}")

    assert (await run(flaky)).result.text == "ERROR executing tool: ValueError: number 2"


async def test_model_retry_goes_to_the_model_at_once() -> None:
    count = []

    @tool(attempts=5)
    def pick() -> None:
        """Pick."""
        count.append(1)
        raise ModelRetry("Choose a city in Europe.")

    result = (await run(pick)).result
    assert (result.text, result.is_error, len(count)) == ("Choose a city in Europe.", True, 1)


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_tool_that_takes_too_long_is_an_error_result(is_async: bool) -> None:
    released = threading.Event()

    @tool(timeout=timedelta(milliseconds=20), attempts=3)
    async def sleep() -> None:
        """Sleep."""
        await asyncio.sleep(60)

    @tool(timeout=timedelta(milliseconds=20))
    def block() -> None:
        """Block."""
        released.wait(60)

    began = time.monotonic()
    result = (await run(sleep if is_async else block)).result
    released.set()
    assert result.is_error
    assert result.text.startswith("ERROR executing tool: it took longer than 0.02 seconds.")
    assert ("still be at work" in result.text) is not is_async
    assert time.monotonic() - began < 30


async def test_a_tool_s_own_timeout_is_its_own_error() -> None:
    @tool
    async def impatient() -> None:
        """Impatient."""
        async with asyncio.timeout(0.001):
            await asyncio.sleep(60)

    assert (await run(impatient)).result.text == "ERROR executing tool: TimeoutError"


async def test_sync_tools_run_in_a_thread_with_the_caller_s_context() -> None:
    language = contextvars.ContextVar("language", default="en")
    language.set("de")

    @tool
    def where() -> list[object]:
        """Where."""
        return [threading.current_thread() is threading.main_thread(), language.get()]

    assert (await run(where)).result.text == '[false,"de"]'


async def test_a_cancel_reaches_an_async_tool_and_the_caller() -> None:
    waiting, tidied = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> None:
        """Wait."""
        waiting.set()
        try:
            await asyncio.sleep(60)
        finally:
            tidied.set()

    stage = StillTime()
    task = asyncio.create_task(run(wait, stage=stage))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidied.is_set()
    assert [update["status"] for update in stage.happened("tool_execution_update")] == ["executing", "cancelled"]


async def test_a_cancel_that_slips_out_of_a_tool_is_the_tool_s_failure() -> None:
    @tool
    async def leak() -> None:
        """Leak."""
        inner = asyncio.create_task(asyncio.sleep(60))
        inner.cancel()
        await inner

    assert (await run(leak)).result.is_error


async def test_a_question_to_a_person_leaves_a_placeholder() -> None:
    """B-92: the placeholder's data has the question's own fields, its type and the call it belongs to."""

    @tool
    def choose() -> None:
        """Choose."""
        question: dict[str, JsonValue] = {"type": "ask_user_question", "options": ["a", "b"], "allow_other": False}
        raise RaiseInterrupt("Which one?", data=question, allowed_decisions=("respond",))

    result = await run(choose)
    assert result.raised is not None
    assert (result.raised.reason, result.raised.allowed_decisions) == ("input_required", ("respond",))
    assert result.result.is_interrupt
    assert result.result.interrupt_data == {
        "type": "ask_user_question",
        "reason": "input_required",
        "message": "Which one?",
        "allowed_decisions": ["respond"],
        "options": ["a", "b"],
        "allow_other": False,
        "tool_call_id": "call_1",
    }


async def test_a_pause_has_its_cause() -> None:
    @tool
    def wait() -> Pause:
        """Wait."""
        return Pause("out of tokens")

    result = await run(wait)
    assert (result.paused, result.pause, result.result.is_error) == (True, "out of tokens", False)


async def test_a_tool_sees_who_calls_it() -> None:
    """B-16: ids, scope, options and a key that is the same for every attempt."""
    seen: list[ToolContext] = []

    @tool
    async def look(context: ToolContext) -> None:
        """Look."""
        seen.append(context)

    await run(look)
    context = seen[0]
    assert (context.agent_id, context.agent_name, context.conversation_id) == ("agent-1", "desk", "c-1")
    assert (context.run_id, context.tool_call_id, context.scope, context.options) == (
        "run-1",
        "call_1",
        {"tenant": "t"},
        {"zone": "UTC"},
    )
    assert context.idempotency_key == "agent-1:call_1"


async def test_progress_and_the_state_are_at_hand() -> None:
    """B-16: the state is read when a tool asks for it, and progress is announced."""

    @tool
    async def count(context: ToolContext) -> int:
        """Count."""
        await context.progress("counting", percent=50)
        return len((await context.state()).messages)

    stage = StillTime()
    result = await run(count, state=State(messages=(Message.user("a"), Message.user("b"))), stage=stage)
    assert result.result.text == "2"
    executing, progress, completed = stage.happened("tool_execution_update")
    assert (executing["status"], executing["display_text"]) == ("executing", "Count")
    assert (progress["progress"], progress["data"]) == ("counting", {"percent": 50})
    assert (completed["status"], completed["result"]) == ("completed", "2")


async def test_new_todos_are_announced() -> None:
    @tool
    def plan() -> StateDelta:
        """Plan."""
        return StateDelta(todos=(Todo(id=1, content="tidy"),))

    stage = StillTime()
    await run(plan, stage=stage)
    assert stage.happened("todos_updated") == [{"todos": [{"id": 1, "content": "tidy", "status": "pending"}]}]
