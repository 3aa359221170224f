"""What a sub-agent is sent with: the errand as a tool words it, and the agent as it goes out."""

from __future__ import annotations

from dataclasses import dataclass as plain_dataclass
from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass

from sagents.messages import Message

if TYPE_CHECKING:
    from sagents.agent import Agent

MAX_DEPTH = 3
MAX_CHILDREN = 50


@dataclass(frozen=True)
class Errand:
    """Returned by a tool with `errand=True`: which sub-agent is to do what.

    It begins with `messages` after those that are its own, and then reads the instructions. `system_prompt` is for a
    sub-agent that takes one.
    """

    task_name: str
    instructions: str
    system_prompt: str | None = None
    messages: tuple[Message, ...] = ()


@plain_dataclass(frozen=True, kw_only=True, eq=False)
class Delegate:
    """A sub-agent ready to go: what it knows before its instructions, and when its run ends.

    `max_depth` and `max_children` are how deep sub-agents may call each other, and how many one run may call.
    `quiet` ones tell nothing while they work.
    """

    agent: Agent
    messages: tuple[Message, ...] = ()
    until_tool: tuple[str, ...] = ()
    until_tool_success: tuple[str, ...] = ()
    max_runs: int | None = None
    quiet: bool = False
    max_depth: int = MAX_DEPTH
    max_children: int = MAX_CHILDREN
