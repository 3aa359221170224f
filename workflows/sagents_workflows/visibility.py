"""What Temporal's own UI and lists show of an agent."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

with workflow.unsafe.imports_passed_through():
    from sagents.briefs import Waiting
    from sagents.clipping import clipped
    from sagents.head import Head
    from sagents.status import Status
    from sagents.todo import TodoStatus

ICONS = {
    TodoStatus.PENDING: "☐",
    TodoStatus.IN_PROGRESS: "▶",
    TodoStatus.COMPLETED: "☑",
    TodoStatus.CANCELLED: "☒",
}


KEYWORD = 255
"""Characters of a search attribute; what is longer fails a workflow task for ever where Temporal checks it."""


def attributes(head: Head, status: Status) -> TypedSearchAttributes:
    """What visibility knows of an agent; opaque ids and coarse values only, because these are never encrypted."""
    agent = head.agent
    values = {
        "AgentName": agent.name,
        "AgentStatus": status.visible,
        "ConversationId": agent.conversation_id,
        "AgentOwner": agent.scope.get("owner"),
        "AgentTenant": agent.scope.get("tenant"),
    }
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), clipped(str(value), KEYWORD))
            for name, value in values.items()
            if value
        ]
    )


def details(head: Head, status: Status, problem: str | None, waiting: tuple[Waiting, ...]) -> str:
    """Markdown for the UI: status, todos, what waits and how to answer it."""
    lines = [f"**{head.agent.name or 'agent'}** is **{status}**, {head.log.message_count} messages"]
    if head.run:
        lines.append(f"run `{head.run.spec.id}`, step {head.run.step}")
    if problem:
        lines.append(f"⚠ {problem}")
    if head.ending and head.ending.error:
        lines.append(f"✗ {head.ending.error.type}: {head.ending.error.message}")
    lines += [f"- {ICONS[todo.status]} {todo.content}" for todo in head.log.todos]
    for one in waiting:
        where = "".join(f"{name}: " for name in one.interrupt.path)
        lines.append(f"**waiting for a person**: {where}{one.interrupt.message or one.interrupt.tool}")
        lines.append(f"```\n{command(one)}\n```")
    return "\n\n".join(lines)


def command(waiting: Waiting) -> str:
    """The plain Temporal command that answers an interrupt."""
    interrupt = waiting.interrupt
    kind = "approve" if "approve" in interrupt.allowed_decisions else interrupt.allowed_decisions[0]
    answer = f'[{{"type": "{kind}", "interrupt_id": "{interrupt.id}"}}]'
    return f"temporal workflow signal --workflow-id {waiting.agent_id} --name resume --input '{answer}'"
