"""What an agent announces (DESIGN section 9)."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field, JsonValue

from sagents.frozen import Frozen


class Event(Frozen):
    """One announcement. Token deltas carry no `id` and are never stored; `path` names sub-agents, outermost first."""

    agent_id: str
    type: str
    at: datetime
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
    id: int | None = None
    run_id: str | None = None
    path: tuple[str, ...] = ()
