"""A message for one middleware: from its own background work, from a door, from another part of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagents.contexts import context_of
from sagents.drafting import Draft
from sagents.hooks import state_hook
from sagents.plan import Notified, NotifyRequest
from sagents.state import State
from sagents.surroundings import Surroundings

if TYPE_CHECKING:
    from sagents.agent import Agent


async def notify(agent: Agent, state: State, request: NotifyRequest, around: Surroundings) -> Notified:
    """What the middleware's `handle_message` makes of it. Unknown or raising: a problem, nothing changed (B-27)."""
    middleware = next((one for one in agent.stack if one.id == request.middleware), None)
    if middleware is None:
        known = ", ".join(one.id for one in agent.stack) or "none"
        return Notified(problem=f"No middleware has the id {request.middleware!r} (there are: {known}).")
    draft = Draft.of(state, request.agent)
    context = context_of(agent, request.agent, around)
    try:
        answered = await state_hook(middleware, "handle_message", request.message, draft.state, context)
    except Exception as error:
        return Notified(problem=f"{middleware.id}.handle_message failed: {type(error).__name__}: {error}")
    if not isinstance(answered, State):
        return Notified()
    around.emit("agent_state_update", {"middleware": middleware.id})
    return Notified(operations=draft.become(answered).operations)
