"""What a door starts an agent with."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict, Field, JsonValue

from sagents.frozen import Frozen
from sagents.messages import Message


class Opening(Frozen):
    """The argument of `AgentWorkflow` as doors write it. Only `agent` is required, and not even that with one agent

    registered.
    """

    model_config = ConfigDict(extra="ignore")

    agent: str = ""
    conversation_id: str | None = None
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    scope: Mapping[str, JsonValue] = Field(default_factory=dict)
    lifecycle: Mapping[str, JsonValue] = Field(default_factory=dict)
    messages: tuple[Message, ...] = ()
