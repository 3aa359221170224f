"""How a program talks to agents that run on Temporal."""

from sagents.client.coordinator import Coordinator
from sagents.client.server import AgentServer
from sagents.client.session import Session, agent_id_for
from sagents.client.sync import SyncAgentServer

__all__ = ["AgentServer", "Coordinator", "Session", "SyncAgentServer", "agent_id_for"]
