"""A pytest plugin: the user's own tests on a real Temporal server."""

from sagents_infra.testing.plugin import AgentEnv, agent_env, temporal_server

__all__ = ["AgentEnv", "agent_env", "temporal_server"]
