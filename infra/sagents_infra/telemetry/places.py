"""Where spans belong: ids that every process works out alike, without asking another one.

A run may begin on one worker and end days later on another. Its span is made at the end, but its children point to it
from the beginning; so its id follows from the run. What starts twice after a crash is one span, not two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Self

from sagents.plan import AgentRef


@dataclass(frozen=True)
class Place:
    """A run of an agent. Sub-agents have one run each, and live in a run of their root."""

    root_id: str
    root_run_id: str
    agent_id: str

    @classmethod
    def of(cls, agent: AgentRef, run_id: str | None) -> Self | None:
        """None where no run is known."""
        root_run_id = agent.sub.root_run_id if agent.sub else run_id
        return cls(agent.root_id, root_run_id, agent.agent_id) if root_run_id else None

    @classmethod
    def of_request(cls, arguments: Sequence[Any]) -> Self | None:
        """Of what an activity is asked for."""
        request = arguments[0] if arguments else None
        agent = getattr(request, "agent", None)
        if not isinstance(agent, AgentRef):
            return None
        run = getattr(request, "run", None)
        return cls.of(agent, getattr(run, "id", None) or getattr(request, "run_id", None))

    @classmethod
    def of_event(cls, metadata: Mapping[str, Any]) -> Self | None:
        """Of what telemetry tells."""
        root_run_id = metadata.get("root_run_id") or metadata.get("run_id")
        if not root_run_id:
            return None
        return cls(metadata.get("root_agent_id") or metadata["agent_id"], root_run_id, metadata["agent_id"])

    @property
    def is_root(self) -> bool:
        return self.agent_id == self.root_id

    @property
    def trace_id(self) -> int:
        """The trace of a run that nobody's trace has led to."""
        return self._number("trace", self.root_id, 16)

    @property
    def run_span(self) -> int:
        return self._number("run", self.agent_id, 8)

    @property
    def call_span(self) -> int:
        """The call that this sub-agent answers."""
        return self._number("call", self.agent_id, 8)

    def below(self, agent_id: str) -> Self:
        """The place of a sub-agent in the same run."""
        return replace(self, agent_id=agent_id)

    def _number(self, what: str, of: str, size: int) -> int:
        digest = sha256("\n".join((what, self.root_id, self.root_run_id, of)).encode())
        return int.from_bytes(digest.digest()[:size], "big") or 1
