"""Whose agent it is, as far as the store and Temporal still know."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from temporalio.common import SearchAttributeKey

from sagents.client.line import Line
from sagents.client.patience import patiently
from sagents.errors import AgentNotFound
from sagents.ports import Store

TENANT = SearchAttributeKey.for_keyword("AgentTenant")


async def tenants(line: Line, store: Store, agent_id: str) -> tuple[str, ...]:
    """The tenants whose the agent was: what it carried when it was saved last, and what its last workflow run said."""
    row = await store.load(agent_id)
    return (*_carried(row.head if row else None), *await _said(line, agent_id))


def _carried(head: str | None) -> Iterator[str]:
    """Asks for nothing else of the head, so that one which this program cannot read tells, too."""
    with suppress(ValueError, LookupError, TypeError):
        found: Any = json.loads(head or "")["head"]["agent"]["scope"]["tenant"]
        yield str(found)


async def _said(line: Line, agent_id: str) -> tuple[str, ...]:
    handle = line.handle(agent_id)

    async def attempt() -> str | None:
        return (await handle.describe()).typed_search_attributes.get(TENANT)

    with suppress(AgentNotFound):
        tenant = await patiently(agent_id, attempt, line.patience)
        return (tenant,) if tenant else ()
    return ()
