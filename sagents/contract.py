"""The wire contract: names and payloads that `temporal` CLI, UI, Lambda and other languages use (DESIGN section 5).

Stable. Every door parses with this module: clear words for what is wrong, plain forms accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sagents.errors import InvalidInput

if TYPE_CHECKING:
    from sagents.answers import Accepted as Accepted
    from sagents.answers import DecisionAnswer as DecisionAnswer
    from sagents.answers import Inactivity as Inactivity
    from sagents.new_message import MAX_MESSAGE_BYTES as MAX_MESSAGE_BYTES
    from sagents.new_message import parse_message as parse_message
    from sagents.opening import Opening as Opening
    from sagents.parsing import parse_cancel as parse_cancel
    from sagents.parsing import parse_child as parse_child
    from sagents.parsing import parse_configure as parse_configure
    from sagents.parsing import parse_decide as parse_decide
    from sagents.parsing import parse_dismiss as parse_dismiss
    from sagents.parsing import parse_execute as parse_execute
    from sagents.parsing import parse_notify as parse_notify
    from sagents.parsing import parse_reset as parse_reset
    from sagents.parsing import parse_restore as parse_restore
    from sagents.parsing import parse_resume as parse_resume
    from sagents.parsing import parse_start as parse_start
    from sagents.parsing import parse_stop as parse_stop
    from sagents.parsing import parse_viewer_joined as parse_viewer_joined
    from sagents.parsing import parse_viewer_left as parse_viewer_left
    from sagents.refusing import explain as explain
    from sagents.starting import StartAgent as StartAgent
    from sagents.views import AgentInfo as AgentInfo
    from sagents.views import InterruptView as InterruptView
    from sagents.views import StateView as StateView

NAMES = {
    "sagents.answers": (
        "Accepted",
        "DecisionAnswer",
        "Inactivity",
    ),
    "sagents.new_message": (
        "MAX_MESSAGE_BYTES",
        "parse_message",
    ),
    "sagents.opening": ("Opening",),
    "sagents.parsing": (
        "parse_cancel",
        "parse_child",
        "parse_configure",
        "parse_decide",
        "parse_dismiss",
        "parse_execute",
        "parse_notify",
        "parse_reset",
        "parse_restore",
        "parse_resume",
        "parse_start",
        "parse_stop",
        "parse_viewer_joined",
        "parse_viewer_left",
    ),
    "sagents.refusing": ("explain",),
    "sagents.starting": ("StartAgent",),
    "sagents.views": (
        "AgentInfo",
        "InterruptView",
        "StateView",
    ),
}
HOMES = {name: module for module, names in NAMES.items() for name in names}
"""Where payloads and their readers live: a door that only says something does not load what it never asks."""

AGENT_WORKFLOW = "AgentWorkflow"
SUB_AGENT_WORKFLOW = "SubAgentWorkflow"
TASK_QUEUE = "sagents"

ADD_MESSAGE = "add_message"
EXECUTE = "execute"
RESUME = "resume"
DECIDE = "decide"
CANCEL = "cancel"
STOP = "stop"
TOUCH = "touch"
RESET = "reset"
RESTORE_STATE = "restore_state"
CONFIGURE = "configure"
DISMISS_INTERRUPT = "dismiss_interrupt"
NOTIFY_MIDDLEWARE = "notify_middleware"
VIEWER_JOINED = "viewer_joined"
VIEWER_LEFT = "viewer_left"
CHILD_WAITS = "child_waits"
"""Internal: how a sub-agent tells its parent that it waits for people, or goes on."""

STATUS = "status"
INFO = "info"
STATE = "state"
MESSAGES = "messages"
TODOS = "todos"
INTERRUPTS = "interrupts"
INACTIVITY = "inactivity"
PAGE = "page"
"""Internal: how activities read the head and the tail of their own workflow."""
ASK_AGAIN = "The agent has news that no workflow task has taken yet: ask again."
"""Why a query fails that would have run ahead of the agent's workflow tasks."""

NOBODY_SAID = ""
"""The connection of a viewer that named none: from the CLI, say."""

AGENT_ID = re.compile(r"[A-Za-z0-9._:@-]{1,200}")
SUB_AGENT_ID = re.compile(rf"{AGENT_ID.pattern}(/[A-Za-z0-9._-]{{1,150}}){{1,20}}")

SEARCH_ATTRIBUTES = ("AgentName", "AgentStatus", "ConversationId", "AgentOwner", "AgentTenant")


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(HOMES[name]), name)
    return value


def load_all() -> None:
    """Load all of it now, so that no workflow does in the middle of a task."""
    for name in HOMES:
        globals()[name] = getattr(import_module(HOMES[name]), name)


def check_agent_id(agent_id: str) -> str:
    """The id itself; raises `InvalidInput` where Temporal or a store would choke on it."""
    if not AGENT_ID.fullmatch(agent_id):
        raise InvalidInput(f"{agent_id!r} is no agent id: 1 to 200 letters, digits and . _ : @ - are allowed.")
    return agent_id


def check_address(agent_id: str) -> str:
    """The id itself, where a sub-agent may be meant too; raises `InvalidInput`."""
    return agent_id if SUB_AGENT_ID.fullmatch(agent_id) else check_agent_id(agent_id)


def is_sub_agent(agent_id: str) -> bool:
    return "/" in agent_id


def only(payloads: Sequence[Any]) -> Any:
    """The one payload that a start or a signal has; None where there is none."""
    if len(payloads) > 1:
        raise InvalidInput(f"One payload is taken, not {len(payloads)}: give `--input` once.")
    return payloads[0] if payloads else None
