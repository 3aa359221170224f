"""How a program talks to agents that run on Temporal."""

from sagents.client.coordinator import Coordinator
from sagents.client.server import AgentServer
from sagents.client.session import Session, agent_id_for

__all__ = ["AgentServer", "Coordinator", "Session", "agent_id_for"]
