"""A whole conversation with an agent as one call, for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sagents import inprocess
from sagents.agent import Agent
from sagents.app import AgentRequest
from sagents.awaiting import called
from sagents.decisions import Decision
from sagents.messages import Message
from sagents.outcome import Outcome
from sagents.plan import OutcomeKind
from sagents.state import State
from sagents.testing.scripted import ScriptedModel
from sagents.testing.still_time import StillTime

if TYPE_CHECKING:
    from sagents.callbacks import Callbacks

Maker = Callable[[AgentRequest], Agent | Awaitable[Agent]]


async def talk(
    agent: Agent | Maker,
    model: ScriptedModel,
    *messages: str | Message,
    answers: Sequence[Decision] = (),
    state: State | None = None,
    until_tool: str | Sequence[str] = (),
    until_tool_success: str | Sequence[str] = (),
    max_runs: int | None = None,
    callbacks: Callbacks | Sequence[Callbacks] = (),
    time: StillTime | None = None,
) -> Outcome:
    """Say the messages one after the other, answer what is asked, and return how the last run ended.

    No retry waits. At the end the whole script has been played and every answer was wanted, or `AssertionError`.
    """
    made = agent if isinstance(agent, Agent) else await called(agent, AgentRequest())
    made = replace(made, model=model)
    around = (time or StillTime()).surroundings()
    waiting = list(answers)
    outcome = Outcome(kind=OutcomeKind.FINISHED, state=state or State())
    for message in messages or (None,):
        outcome = await inprocess.execute(
            made,
            _said(outcome.state, message),
            until_tool=_names(until_tool),
            until_tool_success=_names(until_tool_success),
            max_runs=max_runs,
            callbacks=callbacks,
            around=around,
        )
        while outcome.interrupts and waiting:
            now, waiting = waiting[: len(outcome.interrupts)], waiting[len(outcome.interrupts) :]
            outcome = await inprocess.resume(made, outcome.state, now, callbacks=callbacks, around=around)
    model.done()
    if waiting:
        raise AssertionError(f"nobody asked for {len(waiting)} of the answers: {waiting}")
    return outcome


def _said(state: State, message: str | Message | None) -> State:
    if message is None:
        return state
    return state.add_message(Message.user(message) if isinstance(message, str) else message)


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
