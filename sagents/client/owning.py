"""Whose agent it is, as far as the store and Temporal still know."""

import json
from contextlib import suppress
from typing import Any

from sagents.client.line import Line
from sagents.client.patience import patiently
from sagents.errors import AgentNotFound
from sagents.ports import Store


async def tenants(line: Line, store: Store, agent_id: str) -> set[str]:
    """The tenants whose the agent was, by what it was saved with last and what its last workflow run began with."""
    row = await store.load(agent_id)
    found = {_tenant(_parsed(row.head if row else None), "head", "agent")}
    started = await _started_with(line, agent_id)
    found |= {_tenant(started), _tenant(started, "carried", "head", "agent")}
    return found - {""}


def _parsed(text: str | None) -> Any:
    with suppress(ValueError):
        return json.loads(text or "null")
    return None


def _tenant(value: Any, *path: str) -> str:
    """The tenant in the scope there. Asks for nothing else, so that what this program cannot read tells, too."""
    for name in (*path, "scope", "tenant"):
        value = value.get(name) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int) else ""


async def _started_with(line: Line, agent_id: str) -> Any:
    """The argument of the workflow run, the first event of its history; None where Temporal has forgotten it."""
    handle = line.handle(agent_id)

    async def attempt() -> Any:
        async for event in handle.fetch_history_events(page_size=1):
            payloads = event.workflow_execution_started_event_attributes.input.payloads
            return next(iter(await line.client.data_converter.decode(payloads)), None)
        return None

    with suppress(AgentNotFound):
        return await patiently(agent_id, attempt, line.patience)
    return None
