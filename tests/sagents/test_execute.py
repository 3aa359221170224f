"""`Agent.execute` in this process: the whole run, without Temporal."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from sagents import (
    Agent,
    Callbacks,
    HookContext,
    InvalidInput,
    Message,
    Middleware,
    Model,
    ModelErrorKind,
    Pause,
    RaiseInterrupt,
    RunFailed,
    State,
    StateDelta,
    Todo,
    ToolCall,
    ToolContext,
    ToolResult,
    inprocess,
    tool,
)
from sagents.messages import MessageStatus, Role
from sagents.outcome import Outcome
from sagents.ports import DeltaSink, ModelRequest
from sagents.testing import Reply, ScriptedModel, StillTime, calls, calls_raw, fails, says, talk

pytestmark = pytest.mark.asyncio

EXCEEDED = "Max number of automated turns reached. You may continue if desired."


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
def submit(answer: str) -> ToolResult:
    """Submit; empty answers are refused."""
    return ToolResult(f"got {answer}", is_error=not answer, artifacts={"answer": answer})


def agent_of(model: Model, **options: Any) -> Agent:
    return Agent(model=model, **{"tools": [add, submit], "agent_id": "agent-1", **options})


def shape(state: State) -> list[str]:
    """Who spoke, in order."""
    return [str(message.role) for message in state.messages]


async def test_a_run_needs_no_server() -> None:
    """B-6: message, model, tool, model, idle, all in this process."""
    model = ScriptedModel(calls(add, a=1, b=2), says("It is 3."))
    outcome = await agent_of(model).execute("What is 1 + 2?")
    assert (outcome.kind, outcome.text) == ("finished", "It is 3.")
    assert shape(outcome.state) == ["user", "assistant", "tool", "assistant"]
    assert outcome.state.messages[2].tool_results[0].text == "3"
    model.done()


async def test_a_state_can_be_carried_on() -> None:
    """B-6: the run's state is the next one's beginning, with the agent's id in it."""
    model = ScriptedModel(says("Hello Ada."), says("You are Ada."))
    agent = agent_of(model)
    first = await agent.execute("I am Ada")
    second = await agent.execute(first.state.add_message(Message.user("Who am I?")))
    assert (second.text, second.state.agent_id) == ("You are Ada.", "agent-1")
    assert len(second.state.messages) == 4


async def test_observers_hear_of_the_prepared_state() -> None:
    """B-6: after the before hooks and before the model."""
    prepared: list[State] = []

    class Locale(Middleware):
        def before_run(self, state: State, context: HookContext, /) -> State:
            return state.put_metadata("language", "de")

    agent = agent_of(ScriptedModel(says("Hallo.")), middleware=[Locale()])
    await agent.execute("Hi", callbacks={"on_after_middleware": prepared.append})
    assert [state.get_metadata("language") for state in prepared] == ["de"]


async def test_an_outcome_says_how_a_run_ended() -> None:
    """B-7: finished, paused, cancelled and failed; `unwrap` raises for all but the first."""

    @tool
    def wait() -> Pause:
        """Wait."""
        return Pause("maintenance")

    finished = await talk(agent_of(ScriptedModel()), ScriptedModel(says("Done.")), "Go")
    assert finished.unwrap() is finished
    paused = await talk(agent_of(ScriptedModel(), tools=[wait]), ScriptedModel(calls(wait)), "Go")
    assert (paused.kind, paused.cause, paused.state.pause_reason) == ("paused", "maintenance", "maintenance")
    failed = await talk(agent_of(ScriptedModel()), ScriptedModel(fails("no", kind=ModelErrorKind.FAIL)), "Go")
    assert failed.error is not None
    assert (failed.kind, failed.error.type) == ("failed", "model_failed")
    with pytest.raises(RunFailed) as caught:
        failed.unwrap()
    assert (caught.value.kind, caught.value.error_type) == ("failed", "model_failed")
    with pytest.raises(RunFailed, match="maintenance"):
        paused.unwrap()


async def test_an_error_in_before_run_ends_the_run_with_that_error() -> None:
    """B-7."""

    class Broken(Middleware):
        async def before_run(self, state: State, context: HookContext, /) -> None:
            raise PermissionError("no tenant")

    model = ScriptedModel()
    outcome = await agent_of(model, middleware=[Broken()]).execute("Hi")
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.type) == ("failed", "hook_failed")
    assert "no tenant" in outcome.error.message
    assert model.requests == []


# ── max_runs ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_that_asks_the_model_too_often_ends_with_a_friendly_error() -> None:
    """E-75, B-10: the calls of the last allowed reply are closed with errors, so that the user may go on."""
    model = ScriptedModel(calls(add, a=1, b=1), calls(add, a=2, b=2), says("Sorry."))
    agent = agent_of(model, max_runs=2)
    outcome = await agent.execute("Add for ever")
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.type, outcome.error.message) == ("failed", "exceeded_max_runs", EXCEEDED)
    last = outcome.state.messages[-1].tool_results[0]
    assert (last.is_error, last.text) == (True, EXCEEDED)
    again = await agent.execute(outcome.state.add_message(Message.user("Stop")))
    assert again.text == "Sorry."


async def test_a_final_answer_in_the_last_allowed_call_counts() -> None:
    """B-10: differs from the reference, see docs/differences.md."""
    model = ScriptedModel(calls(add, a=1, b=1), says("2"))
    assert (await talk(agent_of(model, max_runs=2), model, "1 + 1?")).text == "2"


async def test_max_runs_can_be_given_for_one_run_and_restarts_with_each() -> None:
    """B-8, B-10."""
    model = ScriptedModel(calls(add, a=1, b=1), calls(add, a=1, b=1), says("2"))
    agent = agent_of(model)
    first = await agent.execute("1 + 1?", max_runs=1)
    assert first.error is not None
    assert first.error.type == "exceeded_max_runs"
    second = await agent.execute(first.state, max_runs=2)
    assert second.text == "2"


# ── until_tool ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_ends_when_the_target_was_called() -> None:
    """B-11, B-7: the target's result comes with the outcome, the model is not asked again."""
    model = ScriptedModel(calls(add, a=1, b=1), calls(submit, answer="2"))
    outcome = await talk(agent_of(model), model, "1 + 1?", until_tool="submit")
    assert outcome.kind == "finished"
    assert outcome.tool_result is not None
    assert (outcome.tool_result.text, outcome.processed) == ("got 2", {"answer": "2"})


async def test_until_tool_takes_an_error_for_an_answer_too() -> None:
    """B-11."""
    model = ScriptedModel(calls(submit, answer=""))
    outcome = await talk(agent_of(model), model, "1 + 1?", until_tool="submit")
    assert outcome.kind == "finished"
    assert outcome.tool_result is not None
    assert outcome.tool_result.is_error


async def test_until_tool_success_lets_the_model_repair_its_errors() -> None:
    """B-11, E-78: a failing target is tried again."""
    model = ScriptedModel(calls(submit, answer=""), calls_raw("submit", {}), calls(submit, answer="2"))
    outcome = await talk(agent_of(model), model, "1 + 1?", until_tool_success="submit")
    assert outcome.processed == {"answer": "2"}
    assert [message.had_tool_errors for message in outcome.state.messages if message.role is Role.TOOL] == [
        *(True, True, False)
    ]


async def test_a_target_that_always_fails_exhausts_max_runs() -> None:
    """E-78."""
    model = ScriptedModel(*[calls(submit, answer="")] * 3)
    outcome = await talk(agent_of(model), model, "1 + 1?", until_tool_success="submit", max_runs=3)
    assert outcome.error is not None
    assert outcome.error.type == "exceeded_max_runs"


async def test_a_target_called_in_the_last_allowed_reply_still_counts() -> None:
    """B-10, B-11: nobody would be asked again, so the limit is not exceeded."""
    model = ScriptedModel(calls(submit, answer="2"))
    outcome = await talk(agent_of(model), model, "1 + 1?", until_tool_success="submit", max_runs=1)
    assert outcome.processed == {"answer": "2"}


@pytest.mark.parametrize("order", [("", "2"), ("2", "")])
async def test_success_and_error_of_the_target_in_one_reply_is_success(order: tuple[str, str]) -> None:
    """E-77."""
    model = ScriptedModel(calls(submit, answer=order[0]) & calls(submit, answer=order[1]))
    for outcome in (
        await talk(agent_of(model), model, "1 + 1?", until_tool="submit"),
        await talk(agent_of(model), model, "1 + 1?", until_tool_success="submit"),
    ):
        assert outcome.processed == {"answer": "2"}


@pytest.mark.parametrize("option", ["until_tool", "until_tool_success"])
async def test_a_model_that_stops_without_calling_the_target_is_an_error(option: str) -> None:
    """E-76, B-11."""
    model = ScriptedModel(says("I would rather talk."))
    targets: dict[str, Any] = {option: ("submit", "add")}
    outcome = await talk(agent_of(model), model, "1 + 1?", **targets)
    assert outcome.error is not None
    assert outcome.error.type == "until_tool_not_called"
    assert outcome.error.message == "The model stopped without calling add, submit."
    assert outcome.text == "I would rather talk."


async def test_until_options_exclude_each_other() -> None:
    """E-76, B-8."""
    with pytest.raises(InvalidInput, match="exclude each other"):
        await agent_of(ScriptedModel()).execute("Hi", until_tool="add", until_tool_success="add")


async def test_an_unknown_target_is_an_error_that_lists_the_tools() -> None:
    """B-8."""
    outcome = await agent_of(ScriptedModel()).execute("Hi", until_tool="subtract")
    assert outcome.error is not None
    assert outcome.error.type == "unknown_until_tool"
    assert {"add,", "submit,"} <= set(outcome.error.message.split())


async def test_max_runs_below_one_is_refused() -> None:
    """B-8."""
    with pytest.raises(InvalidInput, match="max_runs"):
        await agent_of(ScriptedModel()).execute("Hi", max_runs=0)


# ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_parallel_calls_run_at_once_and_are_applied_in_call_order() -> None:
    """B-17: one tool message carries all results."""
    both = asyncio.Barrier(2)

    @tool
    async def meet(name: str) -> str:
        """Meet."""
        await both.wait()
        if name == "a":
            await asyncio.sleep(0.01)
        return name

    model = ScriptedModel(calls(meet, name="a") & calls(meet, name="b"), says("Met."))
    outcome = await talk(agent_of(model, tools=[meet]), model, "Meet")
    results = [message.tool_results for message in outcome.state.messages if message.role is Role.TOOL]
    assert [[result.text for result in batch] for batch in results] == [["a", "b"]]


async def test_calls_that_are_not_parallel_run_one_after_the_other() -> None:
    """B-17."""
    busy: list[str] = []

    @tool(parallel=False)
    async def alone(name: str) -> str:
        """Alone."""
        assert not busy
        busy.append(name)
        await asyncio.sleep(0)
        busy.remove(name)
        return name

    model = ScriptedModel(calls(alone, name="a") & calls(alone, name="b") & calls(add, a=1, b=1), says("Done."))
    outcome = await talk(agent_of(model, tools=[alone, add]), model, "Go")
    assert [result.text for result in outcome.state.messages[2].tool_results] == ["a", "b", "2"]


async def test_states_that_tools_return_are_merged_in_call_order() -> None:
    """B-9, B-15."""

    @tool
    async def remember(key: str, wait: float) -> StateDelta:
        """Remember."""
        await asyncio.sleep(wait)
        return StateDelta(metadata={"last": key, key: True}, todos=(Todo(id=1, content=key),))

    model = ScriptedModel(calls(remember, key="a", wait=0.01) & calls(remember, key="b", wait=0), says("Noted."))
    outcome = await talk(agent_of(model, tools=[remember]), model, "Note")
    assert outcome.state.metadata == {"last": "b", "a": True, "b": True}
    assert [todo.content for todo in outcome.state.todos] == ["b"]


async def test_a_failing_tool_does_not_end_the_run() -> None:
    """B-15: the model reads the error and goes on."""

    @tool
    def explode() -> None:
        """Explode."""
        raise RuntimeError("boom")

    model = ScriptedModel(calls(explode) & calls_raw("vanish"), says("That went wrong."))
    outcome = await talk(agent_of(model, tools=[explode]), model, "Go")
    assert [result.text for result in outcome.state.messages[2].tool_results] == [
        "ERROR executing tool: RuntimeError: boom",
        "Tool 'vanish' not found",
    ]
    assert outcome.text == "That went wrong."


async def test_keys_differ_between_runs_and_agree_within_a_call() -> None:
    """B-16: two runs of one agent on one state are two sets of effects."""
    keys: list[str] = []

    @tool(attempts=2)
    async def pay(context: ToolContext) -> None:
        """Pay."""
        keys.append(context.idempotency_key)
        if context.attempt == 1:
            raise ConnectionError

    for _ in range(2):
        model = ScriptedModel(calls(pay), says("Paid."))
        await agent_of(model, tools=[pay]).execute("Pay")
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert all(key.startswith("agent-1:call_") for key in keys)


# ── cancel and rolling state ─────────────────────────────────────────────────────────────────────────────────────


async def test_cancelling_the_task_keeps_every_finished_step() -> None:
    """B-70: rolling state. The finished call keeps its result, the other one is closed, the agent goes on."""
    running = asyncio.Event()

    @tool
    async def hang() -> None:
        """Hang."""
        running.set()
        await asyncio.sleep(60)

    model = ScriptedModel(calls(add, a=1, b=1), calls(add, a=2, b=2) & calls(hang), says("Back again."))
    agent = agent_of(model, tools=[add, hang])
    task = asyncio.create_task(agent.execute("Go"))
    await running.wait()
    await asyncio.sleep(0.02)
    task.cancel()
    outcome = await task
    assert outcome.kind == "cancelled"
    assert shape(outcome.state) == ["user", "assistant", "tool", "assistant", "tool"]
    finished, closed = outcome.state.messages[-1].tool_results
    assert (finished.text, finished.is_error, closed.is_error) == ("4", False, True)
    assert (await agent.execute(outcome.state.add_message(Message.user("Still there?")))).text == "Back again."
    model.done()


async def test_cancelling_a_stream_keeps_its_words() -> None:
    """B-70."""
    model = ScriptedModel(says("a b c d e f g h", every=timedelta(milliseconds=4)), says("As I was saying."))
    agent, heard = agent_of(model), asyncio.Event()
    task = asyncio.create_task(agent.execute("Count", callbacks={"on_llm_new_delta": lambda _: heard.set()}))
    await heard.wait()
    task.cancel()
    outcome = await task
    assert outcome.state.messages[-1].status is MessageStatus.CANCELLED
    assert outcome.text.startswith("a ")
    assert (await agent.execute(outcome.state.add_message(Message.user("Go on")))).text == "As I was saying."


async def test_a_failed_run_keeps_what_was_done_before() -> None:
    """B-70."""
    model = ScriptedModel(calls(add, a=1, b=1), fails("gone", kind=ModelErrorKind.FAIL))
    outcome = await talk(agent_of(model), model, "1 + 1?")
    assert (outcome.kind, shape(outcome.state)) == ("failed", ["user", "assistant", "tool"])


async def test_what_was_open_gives_way_to_a_new_run() -> None:
    """B-6: a state with a call that nobody answered can be run; the model reads why the call has no result."""
    dangling = State(messages=(Message.user("Go"), calls_message("call_9"), Message.user("Never mind")))
    model = ScriptedModel(says("All right."))
    outcome = await talk(agent_of(model), model, state=dangling)
    assert shape(outcome.state) == ["user", "assistant", "tool", "user", "assistant"]
    assert outcome.state.messages[2].tool_results[0].is_error


def calls_message(call_id: str) -> Message:
    return Message.assistant(None, tool_calls=(ToolCall(call_id=call_id, name="add"),))


async def test_a_bug_of_ours_is_an_outcome_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise AssertionError("this cannot be")

    monkeypatch.setattr("sagents.driving.take_step", broken)
    outcome = await agent_of(ScriptedModel()).execute("Hi")
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.type) == ("failed", "crashed")


async def test_a_model_s_name_finds_an_installed_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        def load(self) -> Any:
            return lambda name: ScriptedModel(says(f"I am {name}."))

    monkeypatch.setattr(inprocess, "entry_points", lambda group: [Point()] if group == "sagents.models" else [])
    assert (await Agent(model="vendor:m").execute("Who?")).text == "I am vendor:m."
    monkeypatch.setattr(inprocess, "entry_points", lambda group: [])
    outcome = await Agent(model="vendor:m").execute("Who?")
    assert outcome.error is not None
    assert "No model adapter is installed for 'vendor:m'" in outcome.error.message


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────────────────────


class Ear(Middleware):
    """Hears everything."""

    def __init__(self, *keys: str) -> None:
        self.heard: list[str] = []
        self.keys = keys

    def observers(self) -> Callbacks:
        return cast(Callbacks, {key: self._hear(key) for key in self.keys})

    def _hear(self, key: str) -> Any:
        return lambda *_: self.heard.append(key)


async def run_with(*script: Reply, callbacks: Any = (), **options: Any) -> Outcome:
    return await talk(agent_of(ScriptedModel(), **options), ScriptedModel(*script), "Go", callbacks=callbacks)


async def test_callbacks_join_the_middleware_s_observers() -> None:
    """B-8, B-26: both hear; neither replaces the other."""
    ear = Ear("on_llm_new_message")
    other: list[Message] = []
    await run_with(says("Hi."), middleware=[ear], callbacks={"on_llm_new_message": other.append})
    assert (len(ear.heard), [message.text for message in other]) == (1, ["Hi."])


async def test_several_maps_of_callbacks_may_be_given_and_empty_ones_do_nothing() -> None:
    """B-8."""
    first: list[object] = []
    second: list[object] = []
    maps: list[Callbacks] = [{"on_llm_token_usage": first.append}, {}, {"on_llm_token_usage": second.append}]
    await run_with(says("Hi there."), callbacks=maps)
    assert len(first) == len(second) == 1


async def test_a_misspelt_callback_is_refused() -> None:
    """B-8."""
    misspelt: Any = {"on_tool_execution_complete": print}
    with pytest.raises(InvalidInput, match="on_tool_execution_complete"):
        await agent_of(ScriptedModel()).execute("Hi", callbacks=misspelt)


async def test_an_observer_that_raises_disturbs_nothing() -> None:
    """B-26: plain or async."""

    def broken(*_: object) -> None:
        raise RuntimeError("deaf")

    async def broken_later(*_: object) -> None:
        raise RuntimeError("deaf")

    class Mute(Middleware):
        def observers(self) -> Callbacks:
            raise RuntimeError("mute")

    maps: list[Callbacks] = [{"on_llm_new_message": broken}, {"on_llm_new_message": broken_later}]
    assert (await run_with(says("Hi."), middleware=[Mute()], callbacks=maps)).text == "Hi."
    await asyncio.sleep(0)


async def test_async_observers_are_awaited() -> None:
    """B-26."""
    heard = asyncio.Event()

    async def hear(_: Message) -> None:
        await asyncio.sleep(0)
        heard.set()

    await run_with(says("Hi."), callbacks={"on_llm_new_message": hear})
    await asyncio.wait_for(heard.wait(), 1)


async def test_every_step_of_a_run_is_observed_in_order() -> None:
    """B-26."""
    ear = Ear(
        *("on_llm_new_delta", "on_llm_new_message", "on_llm_token_usage", "on_message_processed"),
        *("on_tool_call_identified", "on_tool_execution_started", "on_tool_pre_execution"),
        *("on_tool_execution_completed", "on_tool_execution_failed", "on_tool_response_created"),
        *("on_tool_interrupted", "on_llm_error", "on_retries_exceeded", "on_error_message_created", "on_error"),
        *("on_message_processing_error", "on_after_middleware"),
    )
    await run_with(calls(add, a=1, b=1), says("2"), middleware=[ear])
    assert ear.heard == [
        *("on_after_middleware", "on_llm_new_message", "on_llm_token_usage", "on_message_processed"),
        *("on_tool_call_identified", "on_tool_execution_started", "on_tool_pre_execution"),
        *("on_tool_execution_completed", "on_tool_response_created"),
        *("on_after_middleware", "on_llm_new_delta", "on_llm_new_message", "on_llm_token_usage"),
        "on_message_processed",
    ]
    ear.heard.clear()
    await run_with(calls_raw("nothing"), says("Oh."), middleware=[ear])
    assert ear.heard[5:8] == ["on_error_message_created", "on_tool_execution_failed", "on_tool_response_created"]


async def test_failures_are_observed_each_try_and_at_the_end() -> None:
    """B-26: `on_llm_error` hears of every try, `on_retries_exceeded` of a model's last, `on_error` of the run's end."""
    ear = Ear("on_llm_error", "on_retries_exceeded", "on_error", "on_message_processing_error")
    model = ScriptedModel(fails(times=4))
    outcome = await inprocess.execute(agent_of(model, middleware=[ear]), "Hi", around=StillTime().surroundings())
    assert outcome.kind == "failed"
    assert ear.heard == ["on_llm_error"] * 4 + ["on_retries_exceeded", "on_error"]


async def test_questions_and_garbage_are_observed() -> None:
    """B-26."""

    @tool
    def choose() -> None:
        """Choose."""
        raise RaiseInterrupt("City?")

    @dataclass
    class Mumbles:
        name: str = "mumbles"

        async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Any:
            return {"choices": []}

    ear = Ear("on_tool_interrupted", "on_tool_response_created", "on_message_processing_error", "on_error")
    await run_with(calls(choose), tools=[choose], middleware=[ear])
    assert ear.heard == ["on_tool_interrupted", "on_tool_response_created"]
    ear.heard.clear()
    await agent_of(Mumbles(), middleware=[ear]).execute("Go")
    assert ear.heard == ["on_message_processing_error", "on_error"]


async def test_a_hook_that_fails_after_the_run_was_ended_by_a_tool_is_told_and_costs_nothing() -> None:
    """B-11, E-74: the other `after_run` hooks run, in reverse."""
    order: list[str] = []

    class After(Middleware):
        def __init__(self, id: str) -> None:
            self.id = id

        async def after_run(self, state: State, context: HookContext, /) -> State:
            order.append(self.id)
            if self.id == "b":
                raise RuntimeError("archive away")
            return state.put_metadata(self.id, True)

    stage = StillTime()
    model = ScriptedModel(calls(submit, answer="2"))
    agent = agent_of(model, middleware=[After("a"), After("b"), After("c")])
    outcome = await talk(agent, model, "Go", until_tool="submit", time=stage)
    assert (outcome.kind, order, outcome.state.metadata) == ("finished", ["c", "b", "a"], {"c": True, "a": True})
    assert stage.happened("middleware_action") == [
        {"middleware": "b", "error": "b.after_run failed: RuntimeError: archive away"}
    ]


async def test_a_run_that_fails_after_its_calls_is_announced_too() -> None:
    """B-26."""
    ear = Ear("on_error")
    outcome = await talk(
        agent_of(ScriptedModel(), middleware=[ear]),
        ScriptedModel(calls(submit, answer="")),
        "Go",
        until_tool_success="submit",
        max_runs=1,
    )
    assert outcome.kind == "failed"
    assert ear.heard == ["on_error"]
