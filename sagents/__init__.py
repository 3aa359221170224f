"""Durable AI agents: what programs import. `import sagents` loads nothing but what is asked for by its name."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sagents.public_names import HOMES

if TYPE_CHECKING:
    from sagents.agent import Agent
    from sagents.app import AgentRequest, Sagents, load_app
    from sagents.app_loading import AppNotFound
    from sagents.approvers import Approvers, groups, users
    from sagents.callbacks import Callbacks
    from sagents.client import AgentServer, Coordinator
    from sagents.decisions import Approve, Decision, Edit, Reject, Respond
    from sagents.display import DisplayMessage
    from sagents.errands import Errand
    from sagents.errors import (
        AgentError,
        AgentNotFound,
        AgentNotRegistered,
        CannotAnswer,
        CannotCancel,
        CannotExecute,
        CannotResume,
        FileChanged,
        FileMissing,
        FileProblem,
        FileRefused,
        FileTaken,
        InvalidAgent,
        InvalidInput,
        InvalidState,
        MessageRefused,
        ModelError,
        ModelErrorKind,
        NotPossible,
        PreprocessorFailed,
        RunFailed,
        SagentsError,
        StateUnavailable,
    )
    from sagents.events import Event
    from sagents.extract import AgentResult, Extract
    from sagents.files import Files
    from sagents.hooks import HookContext, Middleware
    from sagents.interrupts import Interrupt
    from sagents.lifecycle import AutoSave, Lifecycle, Presence, WhileInterrupted, WhileRunning
    from sagents.messages import ContentPart, Message, PartType, Role, TokenUsage, ToolCall
    from sagents.middleware.ask_user import AskUserQuestion
    from sagents.middleware.budget import Budget
    from sagents.middleware.conversation_title import ConversationTitle
    from sagents.middleware.debug_log import DebugLog
    from sagents.middleware.file_system import FileSystem, FileSystemConfig
    from sagents.middleware.haltable import Haltable
    from sagents.middleware.human_in_the_loop import HumanInTheLoop
    from sagents.middleware.instructions import Instructions
    from sagents.middleware.mcp_tools import McpTools
    from sagents.middleware.patch_tool_calls import PatchToolCalls
    from sagents.middleware.process_context import ProcessContext, Propagator
    from sagents.middleware.skills import Skills
    from sagents.middleware.sub_agent import SubAgent
    from sagents.middleware.summarization import Summarization
    from sagents.middleware.todo_list import TodoList
    from sagents.mistakes import InvalidArguments
    from sagents.outcome import Outcome
    from sagents.persistence import AgentPersistence, DisplayMessagePersistence
    from sagents.plan import OutcomeKind, RunError
    from sagents.policy import Policy, allow, ask, deny
    from sagents.ports import Model
    from sagents.preprocessing import Halves, MessagePreprocessor, PreprocessContext
    from sagents.principal import Principal
    from sagents.replies import FailRun, ModelRetry, Pause, RaiseInterrupt, ToolResult, WrongAnswer, halt
    from sagents.retries import Retries
    from sagents.retry import Retry
    from sagents.state import State, StateDelta, merge_states
    from sagents.status import Status
    from sagents.sub_agents import CompiledSubAgent, SubAgentConfig
    from sagents.terms import Escalation
    from sagents.todo import Todo, TodoStatus
    from sagents.tool_context import ToolContext
    from sagents.tools import Tool, tool

__all__ = [
    "Agent",
    "AgentError",
    "AgentNotFound",
    "AgentNotRegistered",
    "AgentPersistence",
    "AgentRequest",
    "AgentResult",
    "AgentServer",
    "AppNotFound",
    "Approve",
    "Approvers",
    "AskUserQuestion",
    "AutoSave",
    "Budget",
    "Callbacks",
    "CannotAnswer",
    "CannotCancel",
    "CannotExecute",
    "CannotResume",
    "CompiledSubAgent",
    "ContentPart",
    "ConversationTitle",
    "Coordinator",
    "DebugLog",
    "Decision",
    "DisplayMessage",
    "DisplayMessagePersistence",
    "Edit",
    "Errand",
    "Escalation",
    "Event",
    "Extract",
    "FailRun",
    "FileChanged",
    "FileMissing",
    "FileProblem",
    "FileRefused",
    "FileSystem",
    "FileSystemConfig",
    "FileTaken",
    "Files",
    "Haltable",
    "Halves",
    "HookContext",
    "HumanInTheLoop",
    "Instructions",
    "Interrupt",
    "InvalidAgent",
    "InvalidArguments",
    "InvalidInput",
    "InvalidState",
    "Lifecycle",
    "McpTools",
    "Message",
    "MessagePreprocessor",
    "MessageRefused",
    "Middleware",
    "Model",
    "ModelError",
    "ModelErrorKind",
    "ModelRetry",
    "NotPossible",
    "Outcome",
    "OutcomeKind",
    "PartType",
    "PatchToolCalls",
    "Pause",
    "Policy",
    "PreprocessContext",
    "PreprocessorFailed",
    "Presence",
    "Principal",
    "ProcessContext",
    "Propagator",
    "RaiseInterrupt",
    "Reject",
    "Respond",
    "Retries",
    "Retry",
    "Role",
    "RunError",
    "RunFailed",
    "Sagents",
    "SagentsError",
    "Skills",
    "State",
    "StateDelta",
    "StateUnavailable",
    "Status",
    "SubAgent",
    "SubAgentConfig",
    "Summarization",
    "Todo",
    "TodoList",
    "TodoStatus",
    "TokenUsage",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolResult",
    "WhileInterrupted",
    "WhileRunning",
    "WrongAnswer",
    "allow",
    "ask",
    "deny",
    "groups",
    "halt",
    "load_app",
    "merge_states",
    "tool",
    "users",
]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | HOMES.keys())
