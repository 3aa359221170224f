"""Properties of runs: whatever a model, its tools, people and cancels do, the conversation stays one that a provider
takes, and the agent can be spoken to again."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from sagents import (
    Agent,
    Approve,
    Decision,
    Edit,
    Message,
    ModelRetry,
    Pause,
    RaiseInterrupt,
    Reject,
    Respond,
    StateDelta,
    Todo,
    Tool,
    ask,
    inprocess,
    tool,
)
from sagents.outcome import Outcome
from sagents.surroundings import Surroundings
from sagents.testing import Reply, ScriptedModel, StillTime, calls, calls_raw, fails, says


@tool
async def work(seconds: float = 0) -> str:
    """Work."""
    await asyncio.sleep(seconds)
    return "worked"


@tool(approval=ask())
async def gated() -> str:
    """Gated."""
    return "allowed"


@tool(attempts=2)
async def explode() -> None:
    """Explode."""
    raise RuntimeError("boom")


@tool
async def question() -> None:
    """Ask a person."""
    raise RaiseInterrupt("Which?")


@tool
async def give_back() -> None:
    """Ask the model to try again."""
    raise ModelRetry("Again.")


@tool
async def halt() -> Pause:
    """Pause."""
    return Pause("later")


@tool(inline=True)
async def note() -> StateDelta:
    """Note."""
    return StateDelta(todos=(Todo(id=1, content="noted"),))


TOOLS: list[Tool[..., Any]] = [work, gated, explode, question, give_back, halt, note]
CALLS = st.sampled_from(
    [
        *(calls(work), calls(work, seconds=0.001), calls(gated), calls(explode), calls(question)),
        *(calls(give_back), calls(halt), calls(note), calls_raw("unknown"), calls_raw("work", "{no json")),
    ]
)


def joined(parts: list[Reply]) -> Reply:
    reply = parts[0]
    for part in parts[1:]:
        reply = reply & part
    return reply


REPLIES = st.one_of(
    st.just(says("a few words")),
    st.lists(CALLS, min_size=1, max_size=4).map(joined),
    st.lists(CALLS, min_size=1, max_size=3).map(lambda parts: joined([says("Let me see."), *parts])),
)
SCRIPTS = st.lists(st.one_of(REPLIES, REPLIES, st.builds(fails, partial=st.sampled_from(["", "I was"]))), max_size=6)
DECISIONS: st.SearchStrategy[Decision] = st.sampled_from([Approve(), Reject(), Reject("no"), Respond("x"), Edit({})])


@dataclass
class Interference:
    """Cancels the task when so many events were announced."""

    after: int
    task: asyncio.Task[Outcome] | None = None

    def __call__(self, type: str, data: Mapping[str, JsonValue]) -> None:
        self.after -= 1
        if self.after == 0 and self.task is not None:
            asyncio.get_running_loop().call_soon(self.task.cancel)

    async def run(self, agent: Agent, given: Outcome | str, around: Surroundings) -> Outcome:
        around = replace(around, emit=self)
        state = given.state.add_message(Message.user("And then?")) if isinstance(given, Outcome) else given
        self.task = asyncio.create_task(inprocess.execute(agent, state, around=around))
        return await self.task


def fitting(outcome: Outcome, decisions: list[Decision]) -> list[Decision]:
    """For each interrupt the first of the decisions that it allows."""
    return [next(d for d in decisions if d.type in interrupt.allowed_decisions) for interrupt in outcome.interrupts]


@settings(deadline=None, max_examples=150)
@given(
    script=SCRIPTS,
    decisions=st.permutations([Approve(), Reject("no"), Respond("x"), Edit({})]),
    cancel_after=st.integers(0, 25),
    answered=st.booleans(),
)
def test_whatever_happens_the_agent_can_be_spoken_to(
    script: list[Reply], decisions: list[Decision], cancel_after: int, answered: bool
) -> None:
    """B-13, B-15, B-18, B-70: no call is ever left without its result when the model is asked."""

    async def live() -> None:
        model = ScriptedModel(*script, *[says("still here")] * 8)
        agent = Agent(model=model, tools=TOOLS, agent_id="a", max_runs=4)
        around = StillTime().surroundings()
        outcome = await Interference(cancel_after).run(agent, "Go", around)
        for _ in range(6):
            check(outcome)
            if outcome.interrupts and answered:
                outcome = await inprocess.resume(agent, outcome.state, fitting(outcome, decisions), around=around)
            elif outcome.kind == "paused" and answered:
                outcome = await inprocess.resume(agent, outcome.state, (), around=around)
            else:
                outcome = await Interference(cancel_after).run(agent, outcome, around)
        check(outcome)

    asyncio.run(live())


def check(outcome: Outcome) -> None:
    """What holds of every outcome."""
    asked = {call.call_id for message in outcome.state.messages for call in message.tool_calls}
    answered = [result.tool_call_id for message in outcome.state.messages for result in message.tool_results]
    assert len(set(answered)) == len(answered), "a call has one result"
    assert set(answered) <= asked
    waiting = {interrupt.tool_call_id for interrupt in outcome.interrupts if interrupt.is_gate}
    assert bool(asked - set(answered)) == bool(waiting), "only a gate leaves calls open"
    assert waiting <= asked
    assert (outcome.kind == "interrupted") == bool(outcome.interrupts)
    assert outcome.error is None or outcome.error.type in ("model_failed", "exceeded_max_runs"), outcome.error
    assert outcome.error is None or "overloaded" in outcome.error.message or "automated turns" in outcome.error.message
