"""What spans say of agents, models and tools, in the words of the semantic conventions for generative AI."""

from collections.abc import Mapping
from typing import Any

from sagents.plan import AgentRef

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"
AGENT_NAME = "gen_ai.agent.name"
TOOL = "gen_ai.tool.name"
CALL_ID = "gen_ai.tool.call.id"
ARGUMENTS = "gen_ai.tool.call.arguments"
RESULT = "gen_ai.tool.call.result"
OUTPUT = "gen_ai.output.messages"
ERROR = "error.type"

PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "grok": "x_ai",
    "mistral": "mistral_ai",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "xai": "x_ai",
}
"""Where the conventions have another word than our names of models."""

IDS = {
    "agent_id": "gen_ai.agent.id",
    "agent": AGENT_NAME,
    "conversation_id": "gen_ai.conversation.id",
    "run_id": "sagents.run.id",
    "parent_agent_id": "sagents.parent_agent.id",
    "root_agent_id": "sagents.root_agent.id",
}

Attributes = dict[str, str | int]


def about(metadata: Mapping[str, Any]) -> Attributes:
    """Whose doing it is, from what telemetry tells (B-135)."""
    return {name: metadata[key] for key, name in IDS.items() if metadata.get(key)}


def about_agent(agent: AgentRef, run_id: str | None = None) -> Attributes:
    """The same from what an activity is asked for."""
    sub = agent.sub
    return about(
        {
            "agent_id": agent.agent_id,
            "agent": agent.name,
            "conversation_id": agent.conversation_id,
            "run_id": run_id,
            "parent_agent_id": sub and sub.parent_id,
            "root_agent_id": sub and sub.root_id,
        }
    )


def of_model(name: str) -> Attributes:
    """A model's provider and its own name, from `provider:name`."""
    provider, separator, model = name.partition(":")
    return {PROVIDER: PROVIDERS.get(provider, provider), MODEL: model if separator else name}


def of_tool(metadata: Mapping[str, Any]) -> Attributes:
    """Which tool works on which call."""
    return {
        OPERATION: "execute_tool",
        TOOL: metadata["tool"],
        CALL_ID: metadata["tool_call_id"],
        "gen_ai.tool.type": "function",
        "sagents.attempt": metadata["attempt"],
    }
