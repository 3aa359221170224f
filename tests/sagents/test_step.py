"""The model step: hooks, one reply, and what becomes of its calls."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import (
    Agent,
    HookContext,
    Message,
    Middleware,
    ModelErrorKind,
    Pause,
    RaiseInterrupt,
    State,
    StateDelta,
    Todo,
    ToolContext,
    ask,
    deny,
    tool,
)
from sagents.hooks import HookAnswer
from sagents.messages import MessageStatus
from sagents.operations import AddMessages, CutMessages, PutMetadata, fold
from sagents.plan import AgentRef, OutcomeKind, Plan, Reference, RunSpec, StepRequest
from sagents.policy import Policy
from sagents.step import take_step
from sagents.testing import Failure, Reply, ScriptedModel, StillTime, calls, calls_raw, fails, says

pytestmark = pytest.mark.asyncio

HELLO = State(messages=(Message.user("Hello"),))


class Trace(Middleware):
    """Writes down every hook that is called, and may answer one of them in its own way."""

    def __init__(self, id: str, heard: list[str], answers: Mapping[str, Callable[[State], HookAnswer]] | None = None):
        self.id, self.heard, self.answers = id, heard, answers or {}

    def _hear(self, hook: str, state: State) -> HookAnswer:
        self.heard.append(f"{self.id}.{hook}")
        return self.answers[hook](state) if hook in self.answers else None

    async def before_run(self, state: State, context: HookContext, /) -> HookAnswer:
        return self._hear("before_run", state)

    def before_model(self, state: State, context: HookContext, /) -> HookAnswer:
        return self._hear("before_model", state)

    def after_model(self, state: State, context: HookContext, /) -> HookAnswer:
        return self._hear("after_model", state)

    async def after_run(self, state: State, context: HookContext, /) -> HookAnswer:
        return self._hear("after_run", state)


async def step(
    agent: Agent, state: State = HELLO, *, number: int = 0, stage: StillTime | None = None, **run: Any
) -> Plan:
    request = StepRequest(
        agent=AgentRef(name="desk", agent_id="agent-1"),
        reference=Reference(digest="d1"),
        run=RunSpec(id="run-1", **run),
        step=number,
    )
    return await take_step(agent, state, request, (stage or StillTime()).surroundings())


def agent_of(*script: Reply | Failure, **options: Any) -> Agent:
    return Agent(model=ScriptedModel(*script), **options)


def asks(_: State) -> HookAnswer:
    raise RaiseInterrupt("May I?")


def breaks(_: State) -> HookAnswer:
    raise LookupError("no language")


def after(plan: Plan, state: State = HELLO) -> State:
    return fold(state, plan.operations)


@tool
def shout(text: str) -> str:
    """Shout."""
    return text.upper()


# ── hooks ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_before_hooks_run_in_order_and_after_hooks_in_reverse() -> None:
    """E-74."""
    heard: list[str] = []
    await step(agent_of(says("Hi."), middleware=[Trace("a", heard), Trace("b", heard)]))
    assert heard == [
        *("a.before_run", "b.before_run", "a.before_model", "b.before_model"),
        *("b.after_model", "a.after_model", "b.after_run", "a.after_run"),
    ]


async def test_run_hooks_run_once_a_run_and_model_hooks_at_every_call() -> None:
    """B-6: both kinds are offered."""
    heard: list[str] = []
    agent = agent_of(calls(shout, text="hi"), tools=[shout], middleware=[Trace("a", heard)])
    await step(agent)
    assert heard == ["a.before_run", "a.before_model", "a.after_model"]
    heard.clear()
    await step(agent_of(says("Bye."), middleware=[Trace("a", heard)]), number=1)
    assert heard == ["a.before_model", "a.after_model", "a.after_run"]


async def test_what_hooks_change_is_part_of_the_plan() -> None:
    trace = Trace("a", [], {"before_run": lambda state: state.put_metadata("language", "de")})
    model = ScriptedModel(says("Hallo."))
    plan = await step(Agent(model=model, middleware=[trace]))
    assert [type(operation) for operation in plan.operations] == [PutMetadata, AddMessages]
    assert after(plan).get_metadata("language") == "de"


async def test_the_model_is_asked_what_before_hooks_have_made_of_the_conversation() -> None:
    """B-6."""
    trace = Trace("a", [], {"before_model": lambda state: state.set_messages([Message.user("Short version")])})
    model = ScriptedModel(says("Fine."))
    await step(Agent(model=model, middleware=[trace]))
    assert [message.text for message in model.requests[0].messages] == ["Short version"]


async def test_the_ids_of_a_state_survive_every_hook() -> None:
    seen: list[object] = []
    forgetful = Trace("a", [], {"before_run": lambda state: State(messages=state.messages)})
    curious = Trace("b", [], {"before_run": lambda state: seen.append((state.agent_id, state.conversation_id))})
    await step(agent_of(says("Hi."), middleware=[forgetful, curious]), HELLO.but(conversation_id=7))
    assert seen == [("agent-1", 7)]


async def test_after_model_edits_change_the_state_and_not_what_was_announced() -> None:
    """B-28."""

    def censor(state: State) -> State:
        return state.set_messages([*state.messages[:-1], state.messages[-1].but(content="[removed]")])

    stage = StillTime()
    plan = await step(agent_of(says("A secret."), middleware=[Trace("a", [], {"after_model": censor})]), stage=stage)
    assert after(plan).messages[-1].text == "[removed]"
    announced = stage.happened("llm_message")[0]["message"]
    assert isinstance(announced, dict)
    assert announced["content"] == "A secret."


async def test_calls_that_an_after_model_hook_takes_out_are_not_planned() -> None:
    """B-28: what the state says counts."""

    def calm(state: State) -> State:
        return state.set_messages([*state.messages[:-1], state.messages[-1].but(tool_calls=(), content="No.")])

    plan = await step(
        agent_of(calls(shout, text="hi"), tools=[shout], middleware=[Trace("a", [], {"after_model": calm})])
    )
    assert plan.calls == ()
    assert any(isinstance(operation, CutMessages) for operation in plan.operations)


@pytest.mark.parametrize("hook", ["before_run", "before_model", "after_model", "after_run"])
async def test_a_hook_that_raises_fails_the_run_and_is_named(hook: str) -> None:
    """B-7: a hook's error ends the run with that error."""
    plan = await step(agent_of(says("Hi."), middleware=[Trace("locale", [], {hook: breaks})]))
    assert plan.ending is not None
    assert plan.ending.error is not None
    assert (plan.ending.kind, plan.ending.error.type) == (OutcomeKind.FAILED, "hook_failed")
    assert plan.ending.error.message == f"locale.{hook} failed: LookupError: no language"


async def test_after_run_hooks_are_skipped_when_the_run_does_not_finish() -> None:
    """B-6: on an interrupt, a pause or an error there is no end to speak of."""
    heard: list[str] = []
    for answer in (asks, breaks, lambda _: Pause()):
        heard.clear()
        await step(agent_of(says("Hi."), middleware=[Trace("a", heard), Trace("b", [], {"after_model": answer})]))
        assert "a.after_run" not in heard
    heard.clear()
    await step(agent_of(fails(kind=ModelErrorKind.FAIL), middleware=[Trace("a", heard)]))
    assert heard == ["a.before_run", "a.before_model"]


async def test_a_hook_that_asks_a_person_stops_before_the_model_is_asked() -> None:
    """B-7."""
    heard: list[str] = []
    model = ScriptedModel()
    plan = await step(
        Agent(model=model, middleware=[Trace("a", heard, {"before_run": asks}), Trace("b", heard)]),
    )
    assert plan.raised is not None
    assert (plan.raised.message, plan.ending, plan.calls, model.requests) == ("May I?", None, (), [])
    assert "b.before_run" in heard, "hooks behind it would never run again"


async def test_two_hooks_cannot_ask_at_once() -> None:
    plan = await step(agent_of(middleware=[Trace("a", [], {"before_run": asks}), Trace("b", [], {"before_run": asks})]))
    assert plan.ending is not None
    assert plan.ending.error is not None
    assert "another hook asks a person already" in plan.ending.error.message


async def test_a_hook_may_pause_the_run() -> None:
    """B-7."""
    trace = Trace("a", [], {"before_model": lambda _: Pause("maintenance")})
    plan = await step(agent_of(middleware=[trace]))
    assert plan.ending is not None
    assert (plan.ending.kind, plan.ending.cause) == (OutcomeKind.PAUSED, "maintenance")


async def test_a_hook_that_pauses_behind_one_that_asks_lets_no_call_past_its_policy() -> None:
    """A question outranks a pause; once it is answered the calls run that nobody has to approve, and only those."""
    asking = Trace("asking", [], {"after_model": asks})
    pausing = Trace("pausing", [], {"after_model": lambda _: Pause("maintenance")})
    guarded = tool(approval=ask())(shout.function)
    script = calls(guarded, text="a")
    for stack in ([asking, pausing], [pausing, asking]):
        plan = await step(agent_of(script, tools=[guarded], middleware=stack))
        assert (plan.raised is not None, plan.ending) == (True, None)
        assert [call.approval is not None for call in plan.calls] == [True]


async def test_arguments_that_are_nested_too_deeply_to_be_read_again_are_an_error_for_the_model() -> None:
    deep: Any = 1
    for _ in range(195):
        deep = [deep]
    plan = await step(agent_of(calls(shout, text=deep), tools=[shout]))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    (call,) = plan.calls
    assert call.result is not None
    assert call.result.result.is_error


async def test_tools_that_cannot_be_listed_fail_the_run_clearly() -> None:
    class Broken(Middleware):
        def tools(self, context: HookContext, /) -> Any:
            raise ConnectionError("the MCP server is away")

    plan = await step(agent_of(middleware=[Broken()]))
    assert plan.ending is not None
    assert plan.ending.error is not None
    assert "the MCP server is away" in plan.ending.error.message


# ── the reply ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_step_gives_the_same_ids_and_another_step_others() -> None:
    """Ids derive from the step's record: a step that is taken again means the same calls."""
    script = calls(shout, text="a") & calls(shout, text="b")
    first, again = [await step(agent_of(script, tools=[shout])) for _ in range(2)]
    assert [call.call_id for call in first.calls] == [call.call_id for call in again.calls]
    assert len({call.call_id for call in first.calls}) == 2
    assert after(first).messages[-1].id == after(again).messages[-1].id
    later = await step(agent_of(script, tools=[shout]), number=1)
    assert not {call.call_id for call in first.calls} & {call.call_id for call in later.calls}
    assert first.record == "step:run-1.0.d1"


async def test_a_reply_its_usage_and_its_calls_are_announced() -> None:
    """B-101: the reference's types of events."""
    stage = StillTime()
    plan = await step(agent_of(says("Let me shout.") & calls(shout, text="hi"), tools=[shout]), stage=stage)
    assert [type for type, _ in stage.events] == [
        *("after_middleware_state", "llm_deltas", "llm_deltas", "llm_deltas"),
        *("llm_message", "llm_token_usage", "tool_call_identified"),
    ]
    identified = stage.happened("tool_call_identified")[0]
    assert identified == {
        "call_id": plan.calls[0].call_id,
        "name": "shout",
        "display_text": "Shout",
        "arguments": {"text": "hi"},
        "status": "complete",
    }


async def test_a_cancel_keeps_what_was_said_and_is_part_of_the_plan() -> None:
    """B-70: a cancelled stream keeps its partial text."""
    stage = StillTime()
    agent = agent_of(says("one two three four", every=timedelta(milliseconds=5)))
    task = asyncio.create_task(step(agent, stage=stage))
    while len(stage.happened("llm_deltas")) < 2:  # noqa: ASYNC110 - events have no waiters
        await asyncio.sleep(0.001)
    task.cancel()
    plan = await task
    assert plan.ending is not None
    assert plan.ending.kind is OutcomeKind.CANCELLED
    partial = after(plan).messages[-1]
    assert partial.status is MessageStatus.CANCELLED
    assert partial.text.startswith("one two ")
    assert partial.text != "one two three four"


async def test_a_cancel_before_the_first_word_leaves_no_message() -> None:
    waiting = asyncio.Event()

    class Slow(Middleware):
        async def before_model(self, state: State, context: HookContext, /) -> HookAnswer:
            waiting.set()
            await asyncio.sleep(60)
            return None

    task = asyncio.create_task(step(agent_of(middleware=[Slow()])))
    await waiting.wait()
    task.cancel()
    plan = await task
    assert (plan.operations, plan.calls) == ((), ())
    assert plan.ending is not None
    assert plan.ending.kind is OutcomeKind.CANCELLED


async def test_an_unknown_target_is_an_error_that_lists_the_tools() -> None:
    """B-8."""
    model = ScriptedModel()
    plan = await step(Agent(model=model, tools=[shout], default_middleware=False), until_tool=("whisper",))
    assert plan.ending is not None
    assert plan.ending.error is not None
    assert plan.ending.error.type == "unknown_until_tool"
    assert plan.ending.error.message == "No tool is called whisper; tools are: shout."
    assert model.requests == []


# ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_calls_are_planned_as_their_tools_want_to_run() -> None:
    @tool(timeout=timedelta(seconds=9), parallel=False, on_worker_loss="report")
    def slow() -> None:
        """Slow."""

    plan = await step(agent_of(calls(slow), tools=[slow]))
    planned = plan.calls[0]
    assert (planned.name, planned.timeout, planned.parallel) == ("slow", timedelta(seconds=9), False)
    assert (planned.on_worker_loss, planned.approval, planned.result) == ("report", None, None)


async def test_calls_that_make_no_sense_have_their_error_at_once() -> None:
    """B-15: an unknown tool and arguments that do not fit never reach a worker."""
    script = calls_raw("whisper", {}) & calls_raw("shout", {"txt": 1}) & calls_raw("shout", "{not json")
    stage = StillTime()
    plan = await step(agent_of(script, tools=[shout]), stage=stage)
    results = [call.result.result for call in plan.calls if call.result]
    assert [result.is_error for result in results] == [True, True, True]
    assert results[0].text == "Tool 'whisper' not found"
    assert [update["status"] for update in stage.happened("tool_execution_update")] == ["failed"] * 3


async def test_gated_calls_carry_their_approval() -> None:
    @tool(approval=ask())
    def refund(order: str) -> str:
        """Refund."""
        return order

    plan = await step(agent_of(calls(refund, order="7") & calls(shout, text="x"), tools=[refund, shout]))
    gated, free = plan.calls
    assert gated.approval is not None
    assert (gated.approval.allowed_decisions, free.approval) == (("approve", "edit", "reject"), None)


async def test_a_denied_call_is_answered_with_the_reason() -> None:
    @tool(approval=deny("Refunds are closed on Sundays."))
    def refund(order: str) -> str:
        """Refund."""
        return order

    plan = await step(agent_of(calls(refund, order="7"), tools=[refund]))
    assert plan.calls[0].result is not None
    assert (plan.calls[0].result.result.text, plan.calls[0].result.result.is_error) == (
        "Refunds are closed on Sundays.",
        True,
    )


async def test_a_policy_that_fails_leaves_it_to_a_person() -> None:
    class Shaky(Policy):
        async def evaluate(self, *_: Any) -> Any:
            raise TimeoutError("the rules engine is away")

    @tool(approval=Shaky())
    def refund(order: str) -> str:
        """Refund."""
        return order

    plan = await step(agent_of(calls(refund, order="7"), tools=[refund]))
    assert plan.calls[0].approval is not None
    assert "the rules engine is away" in plan.calls[0].approval.summary


@tool(inline=True)
async def write_todo(context: ToolContext, content: str) -> StateDelta:
    """Write."""
    todos = (await context.state()).todos
    return StateDelta(todos=(*todos, Todo(id=len(todos) + 1, content=content)))


async def test_inline_tools_have_run_when_the_plan_is_made() -> None:
    """Each sees what the ones before it in the same reply have done."""
    script = calls(write_todo, content="a") & calls(shout, text="x") & calls(write_todo, content="b")
    plan = await step(agent_of(script, tools=[write_todo, shout]))
    first, other, second = plan.calls
    assert first.result is not None
    assert second.result is not None
    assert second.result.delta is not None
    assert second.result.delta.todos is not None
    assert [todo.content for todo in second.result.delta.todos] == ["a", "b"]
    assert other.result is None


@pytest.mark.parametrize("hindrance", ["gate", "hook"])
async def test_inline_tools_wait_where_a_person_decides_first(hindrance: str) -> None:
    @tool(approval=ask())
    def refund(order: str) -> str:
        """Refund."""
        return order

    gated = hindrance == "gate"
    script = calls(write_todo, content="a") & (calls(refund, order="7") if gated else calls(shout, text="x"))
    middleware = [] if gated else [Trace("a", [], {"after_model": asks})]
    plan = await step(agent_of(script, tools=[write_todo, refund, shout], middleware=middleware))
    assert [call.result for call in plan.calls] == [None, None]


async def test_inline_tools_do_not_run_when_the_run_ends_with_their_reply() -> None:
    """B-10: calls in the last allowed reply are closed, not run."""
    plan = await step(agent_of(calls(write_todo, content="a"), tools=[write_todo]), max_runs=1)
    assert plan.calls[0].result is None


async def test_todos_that_hooks_change_are_announced() -> None:
    stage = StillTime()
    trace = Trace("a", [], {"before_run": lambda state: state.put_todo(Todo(id=1, content="tidy"))})
    await step(agent_of(says("Hi."), middleware=[trace]), stage=stage)
    todos: list[JsonValue] = [{"id": 1, "content": "tidy", "status": "pending"}]
    assert stage.happened("todos_updated") == [{"todos": todos}]
