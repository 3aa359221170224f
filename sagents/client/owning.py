"""Whose agent it is, as far as the store and Temporal still know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sagents.client.line import Line
from sagents.client.patience import patiently
from sagents.errors import AgentNotFound, Damaged

if TYPE_CHECKING:
    from sagents.ports import Store


async def tenants(line: Line, store: Store, agent_id: str) -> set[str]:
    """The tenants whose the agent was, by what it was saved with last and what its last workflow run began with."""
    row = await store.load(agent_id)
    found = {_tenant(_parsed(row.head if row else None), "head", "agent")}
    started = await started_with(line, agent_id)
    found |= {_tenant(started), _tenant(started, "carried", "head", "agent")}
    return found - {""}


async def scope_of(line: Line, store: Store, agent_id: str) -> Mapping[str, Any] | None:
    """The scope of an agent that runs or sleeps; None where none does.

    Raises `Damaged` where nobody can tell any more: who asks decides about access, and nobody's is not everybody's.
    """
    row = await store.load(agent_id)
    if row is not None and row.head is not None:
        found = _at(_parsed(row.head), "head", "agent")
    elif await line.runs(agent_id):
        started = await started_with(line, agent_id)
        found = _at(started, "carried", "head", "agent") or ({} if isinstance(started, str) else started)
    else:
        return None
    if not isinstance(found, dict) or not isinstance(scope := found.get("scope", {}), dict):
        raise Damaged(f"Nobody can tell any more whose agent {agent_id!r} is.")
    return scope


def _parsed(text: str | None) -> Any:
    with suppress(ValueError):
        return json.loads(text or "null")
    return None


def _tenant(value: Any, *path: str) -> str:
    """The tenant in the scope there. Asks for nothing else, so that what this program cannot read tells, too."""
    value = _at(value, *path, "scope", "tenant")
    return str(value) if isinstance(value, str | int) else ""


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


async def started_with(line: Line, agent_id: str) -> Any:
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
