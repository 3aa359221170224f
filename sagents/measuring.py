"""Telemetry of one agent: whoever has attached a handler in this process hears what happens to it (L-67)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagents import telemetry
from sagents.plan import AgentRef

MEASURED = frozenset({"duration_ms", "input_tokens", "output_tokens"})
"""Values that are measurements; all others are metadata."""

Measure = Callable[..., None]
"""Takes an event's name and its values by keyword."""


@dataclass(frozen=True)
class Measured:
    """Executes telemetry events with what they all have: who, when, once."""

    agent: AgentRef
    now: Callable[[], datetime]
    run_id: str | None = None

    def __call__(self, event: telemetry.EventName, /, **values: Any) -> None:
        ids = {
            "agent_id": self.agent.agent_id,
            "agent": self.agent.name,
            "conversation_id": self.agent.conversation_id,
            "run_id": self.run_id,
            **_lineage(self.agent),
        }
        measurements = {name: value for name, value in values.items() if name in MEASURED}
        metadata = {name: value for name, value in values.items() if name not in MEASURED}
        told = {"count": 1, "system_time": self.now().timestamp(), **measurements}
        telemetry.execute(
            event, told, {**{name: value for name, value in ids.items() if value is not None}, **metadata}
        )


def _lineage(agent: AgentRef) -> dict[str, str]:
    """Whose sub-agent it is (B-135)."""
    sub = agent.sub
    if sub is None:
        return {}
    return {"parent_agent_id": sub.parent_id, "root_agent_id": sub.root_id, "root_run_id": sub.root_run_id}


def unmeasured(_: telemetry.EventName, /, **__: Any) -> None:
    """Where nothing is measured."""


def milliseconds(since: datetime | None, now: datetime) -> dict[str, int]:
    """`duration_ms` where the beginning is known."""
    return {} if since is None else {"duration_ms": int((now - since).total_seconds() * 1000)}
