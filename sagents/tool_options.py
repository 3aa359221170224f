"""How a tool may run, and what makes its name and options valid."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from sagents.errors import InvalidAgent
from sagents.plan import WorkerLoss
from sagents.user_functions import takes_two
from sagents.verdicts import Policy

if TYPE_CHECKING:
    from sagents.tools import Tool

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""What every provider takes as the name of a tool."""


class ToolOptions(TypedDict, total=False):
    """How a tool runs. `timeout` is for the whole call, all attempts together.

    `revalidate` looks at the world again when an approval has come, perhaps late: a function of the validated
    arguments, or of the `ToolContext` and those, async or sync. None lets the call run; a text it returns or raises
    is why it does not, and the model reads it.

    `errand` marks a function that does not do the work but returns an `Errand`, which sends a sub-agent: it is called
    when the model asks for it, and again when the sub-agent starts, so it has to be quick and without effects.
    """

    name: str | None
    display_text: str | None
    timeout: timedelta
    attempts: int | None
    on_worker_loss: Literal["retry", "report"]
    inline: bool
    approval: Policy | None
    parallel: bool
    errand: bool
    revalidate: Callable[..., Any] | None


def humanised(name: str) -> str:
    """A tool's name as people read it (B-15)."""
    words = re.sub(r"[_-]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def check_name(name: str) -> None:
    """Raises `InvalidAgent` where a provider would refuse the name."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidAgent(f"{name!r} is no name for a tool: up to 64 letters, digits, _ and - are allowed.")


def check_options(tool: Tool[..., Any]) -> None:
    """Raises `InvalidAgent` for the first option that cannot work."""
    if not isinstance(tool.timeout, timedelta) or tool.timeout <= timedelta(0):
        raise InvalidAgent(f"Tool {tool.name!r}: timeout is a timedelta above zero, as timedelta(seconds=30).")
    given = tool.attempts
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise InvalidAgent(f"Tool {tool.name!r}: attempts is a whole number of at least 1, not {tool.attempts!r}.")
    if tool.errand and (tool.inline or tool.revalidate is not None):
        raise InvalidAgent(f"Tool {tool.name!r} sends a sub-agent: that is neither inline nor looked at again.")
    if tool.on_worker_loss not in tuple(WorkerLoss):
        raise InvalidAgent(f'Tool {tool.name!r}: on_worker_loss is "retry" or "report", not {tool.on_worker_loss!r}.')
    if tool.approval is not None and not isinstance(tool.approval, Policy):
        raise InvalidAgent(f"Tool {tool.name!r}: approval is a policy, as ask() or deny(...), not {tool.approval!r}.")
    if tool.revalidate is not None:
        if not callable(tool.revalidate):
            raise InvalidAgent(f"Tool {tool.name!r}: revalidate is a function, not {tool.revalidate!r}.")
        takes_two(f"Tool {tool.name!r}: revalidate", tool.revalidate)
