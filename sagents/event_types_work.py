"""Events of what an agent works on: tasks, rows, files, approvals, sub-agents, and what its middleware does."""

from typing import ClassVar

from sagents.decision_log import Entry
from sagents.display import DisplayMessage
from sagents.event_types_life import StatusChanged
from sagents.events import EventData
from sagents.messages import Message, TokenUsage
from sagents.todo import Todo

SUB_AGENT = "the sub-agent, or its parent's step where it could not begin"
FILES = "tools and hooks that write files"


class TodosUpdated(EventData):
    """The list of tasks is another one now: the whole list."""

    type: ClassVar[str] = "todos_updated"
    by: ClassVar[str] = "the step or call that changed it"

    todos: tuple[Todo, ...]


class ConversationTitleGenerated(EventData):
    """The conversation has a title (B-60)."""

    type: ClassVar[str] = "conversation_title_generated"
    by: ClassVar[str] = "the middleware `ConversationTitle`"

    title: str
    agent_id: str


class DisplayMessageSaved(EventData):
    """A row of the transcript was written. Framework rows have no other event (B-103)."""

    type: ClassVar[str] = "display_message_saved"
    by: ClassVar[str] = "whoever writes the row: an activity, or the door that takes a message"

    row: DisplayMessage


class DisplayMessageUpdated(DisplayMessageSaved):
    """A row has changed, which is its status as a rule: the row as it is now."""

    type: ClassVar[str] = "display_message_updated"


class FileUpdated(EventData):
    """A file was written."""

    type: ClassVar[str] = "file_updated"
    by: ClassVar[str] = FILES

    path: str
    scope: str


class FileDeleted(FileUpdated):
    """A file was removed."""

    type: ClassVar[str] = "file_deleted"


class FileMoved(EventData):
    """A file has another path, or a directory with all its files has."""

    type: ClassVar[str] = "file_moved"
    by: ClassVar[str] = FILES

    old_path: str
    new_path: str
    files: int
    scope: str


class Approval(EventData, Entry):
    """Something happened to an interrupt: what the decision log keeps of it ([approvals](approvals.md))."""

    type: ClassVar[str] = "approval"
    by: ClassVar[str] = "the save that records it"


class SubagentStarted(EventData):
    """A sub-agent begins."""

    type: ClassVar[str] = "subagent_started"
    by: ClassVar[str] = SUB_AGENT

    sub_agent_id: str
    parent_id: str
    call_id: str = ""
    """Its parent's call that it answers."""
    name: str
    initial_messages: tuple[Message, ...] = ()
    tools: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    model: str = ""


class SubagentStatusChanged(StatusChanged):
    """A sub-agent's status has changed."""

    type: ClassVar[str] = "subagent_status_changed"

    sub_agent_id: str


class SubagentCompleted(EventData):
    """A sub-agent has its result."""

    type: ClassVar[str] = "subagent_completed"
    by: ClassVar[str] = SUB_AGENT

    sub_agent_id: str
    name: str
    result: str
    duration_ms: int | None = None
    token_usage: TokenUsage = TokenUsage()


class SubagentFailed(EventData):
    """A sub-agent came to an error, which its parent reads."""

    type: ClassVar[str] = "subagent_failed"
    by: ClassVar[str] = SUB_AGENT

    sub_agent_id: str
    name: str
    error: str
    turn_count: int = 0
    """How often its model replied."""
    duration_ms: int | None = None
    token_usage: TokenUsage = TokenUsage()


class SubagentCancelled(EventData):
    """A sub-agent was ended with its parent's run, or was given up (E-71)."""

    type: ClassVar[str] = "subagent_cancelled"
    by: ClassVar[str] = "its parent"

    sub_agent_id: str
    name: str
    reason: str = ""


class AgentStateUpdate(EventData):
    """A middleware has changed the state on a message of its own (B-27). For debuggers."""

    type: ClassVar[str] = "agent_state_update"
    by: ClassVar[str] = "`notify_middleware`"

    middleware: str


class MiddlewareAction(EventData):
    """A middleware does something that people may want to know, or failed at it. For debuggers.

    What else there is, is the middleware's own: `tokens`, `messages`, `calls`.
    """

    type: ClassVar[str] = "middleware_action"
    by: ClassVar[str] = "the middleware"

    middleware: str
    action: str = "failed"
    error: str | None = None


WORK: tuple[type[EventData], ...] = (
    TodosUpdated,
    ConversationTitleGenerated,
    DisplayMessageSaved,
    DisplayMessageUpdated,
    FileUpdated,
    FileDeleted,
    FileMoved,
    Approval,
    SubagentStarted,
    SubagentStatusChanged,
    SubagentCompleted,
    SubagentFailed,
    SubagentCancelled,
    AgentStateUpdate,
    MiddlewareAction,
)
