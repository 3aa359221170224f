"""Capabilities of agents, one a file, and the protocol they share."""

from functools import cache

from sagents.hooks import HookContext, Middleware
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

__all__ = [
    "AskUserQuestion",
    "Budget",
    "ConversationTitle",
    "DebugLog",
    "FileSystem",
    "FileSystemConfig",
    "Haltable",
    "HookContext",
    "HumanInTheLoop",
    "Instructions",
    "McpTools",
    "Middleware",
    "PatchToolCalls",
    "ProcessContext",
    "Propagator",
    "Skills",
    "SubAgent",
    "Summarization",
    "TodoList",
    "default_stack",
]


@cache
def default_stack() -> tuple[Middleware, ...]:
    """What every agent gets unless it says `default_middleware=False`, in order (B-2). All agents share the objects."""
    return (TodoList(), FileSystem(), SubAgent(), Summarization(), PatchToolCalls())
