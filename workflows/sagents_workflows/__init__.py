"""The kernel: deterministic, small, and without a line of user code."""

from sagents_workflows.agent import AgentWorkflow, SubAgentWorkflow

__all__ = ["AgentWorkflow", "SubAgentWorkflow"]
