"""A sub-agent in this process, for `Agent.execute`: its run is part of the parent's call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sagents.announcing import announcer_of
from sagents.cancelling import Cancels
from sagents.children import brief_of, broken, child_of, concluded
from sagents.contexts import context_of
from sagents.delegating import errand_again
from sagents.errands import Delegate, Errand
from sagents.head import CallState, Head
from sagents.messages import ToolCall
from sagents.operations import fold
from sagents.plan import AgentRef, CallResult
from sagents.replies import HALT
from sagents.state import State
from sagents.surroundings import Emit, Surroundings

if TYPE_CHECKING:
    from sagents.agent import Agent
    from sagents.driving import Drive


async def descend(
    driver: type[Drive],
    parent: Agent,
    head: Head,
    planned: CallState,
    call: ToolCall,
    state: State,
    around: Surroundings,
) -> CallResult:
    """What the sub-agent comes to that answers a planned call; `driver` drives it. Raises only `CancelledError`."""
    announcer = announcer_of(parent, around)
    if planned.arguments is not None:
        call = call.but(arguments=planned.arguments)
    context = context_of(parent, head.agent, around, run_id=head.started.spec.id)
    errand = await errand_again(parent, call, context)
    if isinstance(errand, CallResult):
        return announcer.refused(call, errand)
    delegate = await parent.delegate(errand.task_name, errand.system_prompt)
    assert delegate is not None, "an errand is for a sub-agent that there is"
    announcer.started(call, call.arguments if isinstance(call.arguments, dict) else {})
    ref, cancels = child_of(head, planned), Cancels()
    result = await _sent(driver, ref, errand, delegate, state, around)
    if cancels.asked:
        announcer.cancelled(call)
        raise asyncio.CancelledError
    return announcer.ended(call, result)


async def _sent(
    driver: type[Drive], ref: AgentRef, errand: Errand, delegate: Delegate, state: State, around: Surroundings
) -> CallResult:
    brief = brief_of(errand, delegate, state.metadata)
    ref = brief.applied(ref)
    known = fold(State(conversation_id=state.conversation_id), brief.operations).add_messages(brief.messages)
    below = replace(around, emit=_below(around.emit, ref.path), observers=())
    spec = brief.run(f"{ref.agent_id}:{ref.sub.root_run_id if ref.sub else ''}", ())
    drive = driver(replace(delegate.agent, name=ref.name), known, below, spec.id, ref)
    outcome = await drive.started(spec)
    asked = [one for one in outcome.interrupts if one.reason != HALT]
    if asked and len(asked) == len(outcome.interrupts):
        what = "; ".join(one.message or one.tool or one.reason for one in asked)
        why = f"Task '{ref.name}' waits for a person ({what}), which takes Temporal; without it nobody can be asked"
        return broken(ref, why)
    return concluded(ref, outcome.state, drive.head.ending, outcome.interrupts, state.metadata)


def _below(emit: Emit, path: tuple[str, ...]) -> Emit:
    """Tells with the path of who tells it, unless somebody below has said so."""

    def tell(type: str, data: Mapping[str, JsonValue]) -> None:
        emit(type, {"path": [*path], **data})

    return tell
