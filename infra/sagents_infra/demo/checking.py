"""What the demo claims, checked: on disk, in the conversation and in Temporal's own history."""

from collections.abc import Iterator
from dataclasses import dataclass

from sagents import Role, State, Status
from sagents.client import AgentServer
from sagents.contract import AgentInfo
from sagents_infra.demo.desk import SALES, Desk

TASK = "Add up the sales of every region on the desk, write report.md with the totals, and publish it."


@dataclass(frozen=True)
class Check:
    """A claim, and whether it holds."""

    claim: str
    holds: bool


@dataclass(frozen=True)
class Findings:
    """All that the checks look at; `retried` counts the activities that were started more than once."""

    desk: Desk
    state: State
    info: AgentInfo | None
    retried: int
    scripted: bool


async def retried_calls(agents: AgentServer, agent_id: str) -> int:
    """How many activities of the agent's history were started again: those whose worker was killed."""
    handle = await agents.whereis(agent_id)
    if handle is None:
        return 0
    history = await handle.fetch_history()
    return sum(event.activity_task_started_event_attributes.attempt > 1 for event in history.events)


def checks(found: Findings) -> Iterator[Check]:
    """Everything that the demo promises, one by one."""
    totals = {file: sum(figures) for file, figures in SALES.items()}
    text = found.desk.published.read_text() if found.desk.published.exists() else ""
    attempts, entries = found.desk.count("attempts"), found.desk.count("entries")
    heard = [message.text for message in found.state.messages if message.role is Role.USER]
    idle = found.info is not None and found.info.status is Status.IDLE
    yield Check("the agent has finished and waits for the next message", idle)
    yield Check("the report is published and has every total", all(str(total) in text for total in totals.values()))
    yield Check("the totals in the ledger are right", found.desk.totals() == totals)
    again = f"{attempts} attempts, {found.retried} retries"
    yield Check(f"the killed worker's calls ran again ({again})", found.retried > 0)
    yield Check(f"and took effect once ({entries} entries)", entries == len(SALES) < attempts)
    yield Check("the task was heard once", heard == [TASK])
    if found.scripted:
        yield from _scripted(found)


def _scripted(found: Findings) -> Iterator[Check]:
    replies = sum(message.role is Role.ASSISTANT for message in found.state.messages)
    asked = len(found.desk.questions.read_text().splitlines())
    yield Check(f"the model was asked once for each of its {replies} replies ({asked} times)", asked == replies)
    done = [todo.is_resolved for todo in found.state.todos]
    yield Check("the to-do list is done", bool(done) and all(done))
