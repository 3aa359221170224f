"""What hooks see of the agent and the run, made of the surroundings in which they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sagents.announcing import Announcer
from sagents.asking import Asking, Hearing
from sagents.files import Files
from sagents.hooks import Ask, HookContext
from sagents.messages import Message
from sagents.plan import AgentRef
from sagents.ports import Model, ModelRequest

if TYPE_CHECKING:
    from sagents.agent import Agent
    from sagents.surroundings import Surroundings


def context_of(
    agent: Agent,
    ref: AgentRef,
    around: Surroundings,
    *,
    run_id: str = "",
    step: int = 0,
    requesters: tuple[str, ...] = (),
) -> HookContext:
    """The context of one step, call or answer."""
    return HookContext(
        agent_id=ref.agent_id,
        agent_name=ref.name,
        conversation_id=ref.conversation_id,
        scope=ref.scope,
        options=ref.options,
        run_id=run_id,
        step=step,
        model=agent.model if isinstance(agent.model, str) else agent.model.name,
        requesters=requesters,
        path=ref.path,
        files=Files.around(ref, around),
        emit=around.emit,
        now=around.now,
        ask=_aside(agent, around),
    )


def _aside(agent: Agent, around: Surroundings) -> Ask:
    """Models asked for a hook: as often as for the agent and measured as these, but nobody reads along."""

    async def ask(request: ModelRequest, /, *models: Model | str) -> Message:
        announcer = Announcer(_unheard)
        chain = models or (agent.model, *agent.fallback_models)
        before = None if models else agent.before_fallback
        return await Asking(chain, before, around, announcer, Hearing(announcer)).reply(request)

    return ask


def _unheard(_type: str, _data: Mapping[str, JsonValue]) -> None:
    """What is asked aside is no part of the conversation."""
