"""Context variables hold where an agent works as they held where it was started."""

import asyncio
import json
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

from sagents import Agent, HookContext, InvalidAgent, InvalidInput, Middleware, State, ToolCall, tool
from sagents.calling import run_call
from sagents.middleware import ProcessContext, Propagator
from sagents.plan import AgentRef, CallRequest, Reference, RunSpec, StepRequest
from sagents.serialization import export_state
from sagents.step import take_step
from sagents.testing import ScriptedModel, StillTime, calls, says, talk

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
flags: ContextVar[list[str]] = ContextVar("flags")


@tool
async def whose() -> str:
    """Whose work this is."""
    return tenant.get()


@tool
def whose_in_thread() -> str:
    """Whose work this is, asked in a thread."""
    return tenant.get()


class Note(Middleware):
    """Writes down what its hooks see."""

    id = "note"

    def on_start(self, state: State, context: HookContext, /) -> State:
        return state.put_metadata("start", tenant.get())

    def before_run(self, state: State, context: HookContext, /) -> State:
        return state.put_metadata("run", tenant.get())

    def system_prompt(self, context: HookContext, /) -> str:
        return f"You work for {tenant.get()}."


AMBIENT = ProcessContext(keys=[tenant, flags])


def captured(name: str, **options: Any) -> dict[str, Any]:
    """The options that a program sends in whose context this tenant holds."""

    def capture() -> dict[str, Any]:
        tenant.set(name)
        return AMBIENT.captured(options)

    return copy_context().run(capture)


def agent(model: Any = "test:any") -> Agent:
    return Agent(model=model, tools=[whose, whose_in_thread], middleware=[AMBIENT, Note()], default_middleware=False)


def request(name: str, options: dict[str, Any]) -> CallRequest:
    ref = AgentRef(name="helper", agent_id="a-1", options=options)
    return CallRequest(agent=ref, reference=Reference(), run_id="r", record="x", call_id="c", name=name)


async def called(name: str, options: dict[str, Any]) -> str:
    """What the tool answers in a task of its own, as on another worker."""

    async def read() -> State:
        return State()

    call = ToolCall(call_id="c", name=name)
    around = StillTime().surroundings()
    running = run_call(agent(), call, request(name, options), around, read_state=read)
    return (await asyncio.create_task(running)).result.text


@pytest.mark.parametrize("name", ["whose", "whose_in_thread"])
@pytest.mark.asyncio
async def test_what_held_at_the_program_holds_in_tools(name: str) -> None:
    """B-60, E-103: async ones and those in threads."""
    assert await called(name, captured("acme")) == "acme"
    assert await called(name, {}) == "nobody"
    assert tenant.get() == "nobody"


@pytest.mark.asyncio
async def test_tools_side_by_side_keep_their_own() -> None:
    """B-60."""
    names = [f"tenant {n}" for n in range(20)]
    assert await asyncio.gather(*(called("whose", captured(name)) for name in names)) == names


@pytest.mark.asyncio
async def test_hooks_behind_it_and_the_prompt_see_it() -> None:
    """B-60."""
    model = ScriptedModel(says("Hi"))
    ref = AgentRef(options=captured("acme"))
    step = StepRequest(agent=ref, reference=Reference(), run=RunSpec(id="r"), boot=True)
    around = StillTime().surroundings()
    plan = await asyncio.create_task(take_step(agent(model), State(), step, around))
    keys = {op.key: op.value for op in plan.operations if op.op == "put_metadata"}
    assert keys == {"start": "acme", "run": "acme"}
    assert model.requests[0].system_prompt == "You work for acme."


@pytest.mark.asyncio
async def test_without_temporal_they_hold_by_themselves() -> None:
    """B-60: a run in-process is in the program's own context."""

    async def run() -> Any:
        tenant.set("acme")
        script = ScriptedModel(calls(whose) & calls(whose_in_thread), says("Done."))
        return await talk(agent(), script, "Whose?")

    outcome = await asyncio.create_task(run())
    results = [result.text for message in outcome.state.messages for result in message.tool_results]
    assert results == ["acme", "acme"]
    assert outcome.state.get_metadata("run") == "acme"


@pytest.mark.asyncio
async def test_what_is_exported_has_none_of_it() -> None:
    """B-60, E-103: it is the agent's options that carry it, as JSON."""
    outcome = await talk(agent(), ScriptedModel(says("Hi")), "Hello")
    assert "process_context" not in json.dumps(export_state(outcome.state, serialized_at=StillTime().now))
    assert json.loads(json.dumps(captured("acme", zone="UTC"))) == {
        "zone": "UTC",
        "process_context": {"tenant": "acme"},
    }


@pytest.mark.asyncio
async def test_variables_that_were_not_set_are_left_alone() -> None:
    """B-60."""

    async def worker() -> tuple[str, list[str]]:
        tenant.set("the worker's own")
        flags.set(["fast"])
        AMBIENT.apply(captured("acme"))
        return tenant.get(), flags.get()

    assert await asyncio.create_task(worker()) == ("acme", ["fast"])


@pytest.mark.parametrize("options", [{}, {"process_context": "odd"}, {"process_context": {"unknown": 1}}])
def test_options_without_it_change_nothing(options: dict[str, Any]) -> None:
    """B-60: an older program, or one with other keys."""
    AMBIENT.apply(options)
    assert tenant.get() == "nobody"


@pytest.mark.asyncio
async def test_a_propagator_carries_what_is_no_variable() -> None:
    """B-60: as a tracer's context."""
    held: list[Any] = ["trace 7"]
    tracer = Propagator("trace", capture=lambda: {"id": held[0]}, apply=lambda value: held.append(value["id"]))
    nothing = Propagator("nothing", capture=lambda: None, apply=lambda value: held.append("never"))
    ambient = ProcessContext(propagators=[tracer, nothing])
    options = ambient.captured()
    assert options == {"process_context": {"trace": {"id": "trace 7"}}}
    ambient.tools(HookContext(options=options))
    assert held == ["trace 7", "trace 7"]
    assert ambient.debug_summary() == {"keys": ["trace", "nothing"]}


def test_what_cannot_travel_is_refused_where_it_is_captured() -> None:
    """B-60."""
    odd: ContextVar[object] = ContextVar("odd", default=None)

    def capture() -> None:
        odd.set(object())
        ProcessContext([odd]).captured()

    with pytest.raises(InvalidInput, match="odd cannot travel"):
        copy_context().run(capture)


@pytest.mark.parametrize(
    "options",
    [{"keys": ["tenant"]}, {"propagators": [tenant]}, {"keys": [tenant, tenant]}],
    ids=["no variable", "no propagator", "twice"],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidAgent, match="ProcessContext"):
        ProcessContext(**options)
