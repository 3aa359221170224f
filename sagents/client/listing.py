"""Which agents run, as Temporal's visibility knows it: a moment late, and without those that sleep."""

import asyncio
import re

from sagents import contract
from sagents.client.line import Line
from sagents.errors import AgentNotFound
from sagents.status import Status

ACTIVE = Status.IDLE.visible
AT_ONCE = 20
"""So many agents are asked side by side."""
LITERAL = re.compile(r"[A-Za-z0-9._:@-]*")


async def running(line: Line, pattern: str = "*", status: Status | None = None, tenant: str | None = None) -> list[str]:
    """Ids of the running agents that match, sorted. Only `*` is special: it stands for any characters, or none (L-65).

    Sub-agents are not among them: their workflows are of another type.
    """
    if not LITERAL.fullmatch(pattern.replace("*", "")):
        return []  # no agent id has such characters
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    found = await line.find(query(line.task_queue, pattern, status, tenant))
    matching = sorted(agent_id for agent_id in found if wanted.fullmatch(agent_id))
    return matching if status is None else await _with_status(line, matching, status)


def query(task_queue: str, pattern: str, status: Status | None = None, tenant: str | None = None) -> str:
    """A visibility query that finds all that match, and perhaps more."""
    parts = [
        f"WorkflowType = '{contract.AGENT_WORKFLOW}'",
        "ExecutionStatus = 'Running'",
        f"TaskQueue = {_quoted(task_queue)}",
    ]
    start, star, _ = pattern.partition("*")
    if not star:
        parts.append(f"WorkflowId = '{start}'")
    elif start:
        parts.append(f"WorkflowId STARTS_WITH '{start}'")
    if status is not None and status.visible != ACTIVE:
        parts.append(f"AgentStatus = '{status.visible}'")  # nothing is said of those that have just started
    if tenant is not None:
        parts.append(f"AgentTenant = {_quoted(tenant)}")
    return " AND ".join(parts)


async def _with_status(line: Line, agent_ids: list[str], status: Status) -> list[str]:
    """Those that say so themselves: visibility is late, and knows `active` only for three statuses."""
    few = asyncio.Semaphore(AT_ONCE)

    async def has(agent_id: str) -> bool:
        async with few:
            try:
                return await line.ask(agent_id, contract.STATUS, Status) is status
            except AgentNotFound:
                return False

    answers = await asyncio.gather(*map(has, agent_ids))
    return [agent_id for agent_id, answer in zip(agent_ids, answers, strict=True) if answer]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
