"""The loop of `sagents.loop` in this process, without Temporal: `Agent.execute` and `Agent.resume`.

Nothing is saved: a crash loses the run. It is for first steps, scripts and tests; `AgentServer` runs what must live on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pydantic import JsonValue

from sagents import callbacks as observing
from sagents.checking import check_all
from sagents.commands import Answering, Resume
from sagents.contract import parse_execute
from sagents.deciding import matched
from sagents.decisions import Decision
from sagents.demotion import ABANDONED
from sagents.driving import Drive
from sagents.errors import ModelError
from sagents.memory_blobs import MemoryBlobs
from sagents.messages import Message
from sagents.outcome import Outcome
from sagents.pending import closed
from sagents.plan import RunSpec
from sagents.ports import Blobs, Model
from sagents.state import State
from sagents.surroundings import Surroundings
from sagents.suspending import Suspended

if TYPE_CHECKING:
    from sagents.agent import Agent
    from sagents.callbacks import Callbacks

_runs = count(1)
_files: WeakKeyDictionary[Agent, Blobs] = WeakKeyDictionary()


async def execute(
    agent: Agent,
    given: State | Message | str,
    *,
    until_tool: tuple[str, ...] = (),
    until_tool_success: tuple[str, ...] = (),
    max_runs: int | None = None,
    callbacks: Callbacks | Sequence[Callbacks] = (),
    around: Surroundings | None = None,
    blobs: Blobs | None = None,
) -> Outcome:
    """Run until the agent is done or waits for somebody. What was still open in the state gives way (T-30).

    Raises `InvalidInput` for options that cannot be meant; from then on nothing raises. A cancelled task's
    outcome is `cancelled`, with what was said so far; so is that of `asyncio.wait_for(agent.execute(...), 60)`.
    """
    around = _listening(agent, around, callbacks, blobs)
    spec = _meant(RunSpec(id=_run_id(around)), until_tool, until_tool_success, max_runs)
    drive = Drive(agent, closed(_state(given), ABANDONED), around, spec.id)
    return await drive.started(spec)


async def resume(
    agent: Agent,
    state: State,
    decisions: Sequence[Decision | Answering],
    *,
    until_tool: tuple[str, ...] = (),
    until_tool_success: tuple[str, ...] = (),
    max_runs: int | None = None,
    callbacks: Callbacks | Sequence[Callbacks] = (),
    around: Surroundings | None = None,
    blobs: Blobs | None = None,
) -> Outcome:
    """Go on with what people decided, in the order of the interrupts; without decisions, with a paused run (B-18).

    The run's options are those that it was started with; where the state has been stored in between, give them again.
    Raises `CannotResume` where nothing waits or a decision does not fit: then the state is as it was.
    """
    around = _listening(agent, around, callbacks, blobs)
    suspended = Suspended.of(state) or Suspended(spec=RunSpec(id=_run_id(around)))
    spec = _meant(suspended.spec, until_tool, until_tool_success, max_runs)
    drive = Drive(agent, state, around, spec.id)
    await drive.restore(suspended.but(spec=spec))
    answers = tuple(d if isinstance(d, Answering) else Answering(decision=d) for d in decisions)
    if answers or not drive.is_paused:
        decided = matched(drive.head, Resume(decisions=answers), around.now(), by_anybody=True)
        drive.check(decided)
        check_all(drive.head, decided)
        return await drive.decided(decided)
    return await drive.continued()


def surroundings() -> Surroundings:
    """The real clock, the installed models, and nobody who listens."""
    return Surroundings(now=_now, sleep=_sleep, emit=_unheard, resolve=model_named)


def model_named(name: str) -> Model:
    """The model of an installed adapter (entry points `sagents.models`)."""
    for point in entry_points(group="sagents.models"):
        model: Model = point.load()(name)
        return model
    raise ModelError(f"No model adapter is installed for {name!r}; pass a Model instead of its name.")


def _listening(
    agent: Agent, around: Surroundings | None, callbacks: Callbacks | Sequence[Callbacks], blobs: Blobs | None
) -> Surroundings:
    """Where a run takes place. Files live as long as the Agent object, where nobody says where they are kept."""
    if around is None:
        around = replace(surroundings(), blobs=blobs or _files.setdefault(agent, MemoryBlobs()))
    elif blobs is not None:
        around = replace(around, blobs=blobs)
    return replace(around, observers=(*around.observers, *observing.checked(callbacks)))


def _run_id(around: Surroundings) -> str:
    """Another one each time: the idempotency keys of a run's calls derive from it."""
    return f"run_{around.now():%Y%m%dT%H%M%S%f}_{os.getpid()}_{next(_runs)}"


def _meant(
    spec: RunSpec, until_tool: tuple[str, ...], until_tool_success: tuple[str, ...], max_runs: int | None
) -> RunSpec:
    """The run's options with those that are given here. Raises `InvalidInput` where they cannot be meant."""
    given = bool(until_tool or until_tool_success)
    options = {
        "until_tool": until_tool if given else spec.until_tool,
        "until_tool_success": until_tool_success if given else spec.until_tool_success,
        "max_runs": spec.max_runs if max_runs is None else max_runs,
    }
    parse_execute(options)
    return spec.but(**options)


def _state(given: State | Message | str) -> State:
    if isinstance(given, str):
        given = Message.user(given)
    return State(messages=(given,)) if isinstance(given, Message) else given


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a run in-process has no port around it: this is the port


async def _sleep(length: timedelta) -> None:
    await asyncio.sleep(length.total_seconds())  # noqa: TID251 - as above


def _unheard(_type: str, _data: Mapping[str, JsonValue]) -> None:
    """Events of a run in-process go to its callbacks only."""
