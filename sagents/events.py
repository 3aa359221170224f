"""What an agent announces (DESIGN section 9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from pydantic import Field, JsonValue

from sagents.frozen import Frozen


class Event(Frozen):
    """One announcement. Token deltas carry no `id` and are never stored; `path` names sub-agents, outermost first.

    `sub_agent_id` is whose event it is where a sub-agent tells it: several of one name have the same path.
    """

    agent_id: str
    type: str
    at: datetime
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
    id: int | None = None
    run_id: str | None = None
    path: tuple[str, ...] = ()
    sub_agent_id: str | None = None


class EventData(Frozen):
    """What events of one type say; the models are in `sagents.event_types`. The docstring of each says when it is told.

    Names that a model does not know are a newer writer's, or `path` of a sub-agent in-process, and stay as they are.
    """

    type: ClassVar[str]
    live: ClassVar[bool] = False
    """Whether it is told to who listens just now and kept nowhere; then its events have no `id`."""
    by: ClassVar[str]
    """Who tells it, in words."""
