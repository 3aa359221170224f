"""Which agent a conversation is with, and the handle of the one that runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from temporalio.client import WorkflowHandle

from sagents.contract import check_agent_id

if TYPE_CHECKING:
    from sagents.events import Event

Handle = WorkflowHandle[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Session:
    """A running agent. `started` tells whether this call started it; of several at once, one does (L-59).

    `events`, where it was subscribed to, begins before the start: it misses nothing (L-13).
    """

    agent_id: str
    handle: Handle
    started: bool
    conversation_id: str | None = None
    events: AsyncGenerator[Event, None] | None = field(default=None, compare=False, repr=False)


def agent_id_for(conversation_id: str, scope: Mapping[str, object] | None = None) -> str:
    """`conversation-<id>` (L-57); with a tenant in the scope `<tenant>:conversation-<id>`, so that two never meet."""
    tenant = (scope or {}).get("tenant")
    plain = f"conversation-{conversation_id}"
    return check_agent_id(f"{tenant}:{plain}" if tenant else plain)
