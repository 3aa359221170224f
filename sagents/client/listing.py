"""Which agents run, as Temporal's visibility knows it: a moment late, and without those that sleep."""

import re

from sagents import contract
from sagents.client.line import Line

LITERAL = re.compile(r"[A-Za-z0-9._:@-]*")


async def running(line: Line, pattern: str = "*") -> list[str]:
    """Ids of the running agents that match, sorted. Only `*` is special: it stands for any characters, or none (L-65).

    Sub-agents are not among them: their workflows are of another type.
    """
    if not LITERAL.fullmatch(pattern.replace("*", "")):
        return []  # no agent id has such characters
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    found = await line.find(query(line.task_queue, pattern))
    return sorted(agent_id for agent_id in found if wanted.fullmatch(agent_id))


def query(task_queue: str, pattern: str) -> str:
    """A visibility query that finds all that match, and perhaps more."""
    queue = task_queue.replace("\\", "\\\\").replace("'", "\\'")
    base = f"WorkflowType = '{contract.AGENT_WORKFLOW}' AND ExecutionStatus = 'Running' AND TaskQueue = '{queue}'"
    start, star, _ = pattern.partition("*")
    if not star:
        return f"{base} AND WorkflowId = '{start}'"
    return f"{base} AND WorkflowId STARTS_WITH '{start}'" if start else base
