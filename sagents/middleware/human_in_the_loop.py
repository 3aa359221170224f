"""Which tools people are asked about, said in one place for a whole agent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from fnmatch import fnmatchcase
from typing import Any, get_args

from pydantic import JsonValue

from sagents.errors import InvalidAgent
from sagents.hooks import Middleware
from sagents.plan import Start
from sagents.policy import InterruptOn, Named, Policy, policy_from
from sagents.tool_options import NAME
from sagents.tools import Tool

WILD = re.compile(r"\[[^]]*\]|[*?]")
"""The parts of a pattern that stand for something else."""


class HumanInTheLoop(Middleware):
    """Policies by tool. `interrupt_on` says True, False or the decisions allowed (B-80); `policies` takes whole ones:

    `HumanInTheLoop(policies={"refund": ask(approvers=groups("finance")), "delete_*": deny("never"), "*": allow()})`.
    A tool's own name comes first, then the tool's own `approval`, then the pattern with most letters, `"*"` last.

    `start` says when gated calls of one reply begin: once all of them are decided, or each as soon as it is.
    """

    id = "human_in_the_loop"

    def __init__(
        self,
        interrupt_on: Mapping[str, InterruptOn] | None = None,
        policies: Mapping[str, Policy] | None = None,
        *,
        start: Start = "all",
    ) -> None:
        if start not in get_args(Start):
            raise InvalidAgent(f'start is "all" or "each", not {start!r}.')
        short, long = _mapping("interrupt_on", interrupt_on), _mapping("policies", policies)
        if both := ", ".join(short.keys() & long.keys()):
            raise InvalidAgent(f"interrupt_on and policies both speak of {both}; say it once.")
        if wrong := [name for name, policy in long.items() if not isinstance(policy, Policy)]:
            raise InvalidAgent(f"policies[{wrong[0]!r}] is a policy, as ask() or deny(...), not {long[wrong[0]]!r}.")
        if odd := [
            name for name in (*short, *long) if not NAME.fullmatch(name) and (name in short or not WILD.search(name))
        ]:
            raise InvalidAgent(f'{odd[0]!r} is no tool\'s name; patterns, as "delete_*", belong into policies.')
        self.start: Start = start
        self._everywhere = False
        self._policies = {name: policy_from(name, entry) for name, entry in short.items()} | long
        self._labels = {name: f"interrupt_on {name}" for name in short}
        patterns = [name for name in long if WILD.search(name)]
        self._patterns = sorted(patterns, key=lambda pattern: len(WILD.sub("", pattern)), reverse=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The tools that it speaks of by name, all of which its agent has to have."""
        if self._everywhere:
            return ()
        return tuple(name for name in self._policies if name not in self._patterns)

    def for_heirs(self) -> HumanInTheLoop:
        """The same for agents that may lack some of these tools."""
        other = copy(self)
        other._everywhere = True
        return other

    def policy(self, tool: Tool[..., Any], /) -> Policy | None:
        if tool.name in self._policies:
            return self._found(tool.name)
        if tool.approval is not None:
            return Named(tool.approval, f"tool {tool.name}", self.start)
        return next((self._found(pattern) for pattern in self._patterns if fnmatchcase(tool.name, pattern)), None)

    def debug_summary(self) -> JsonValue:
        return {"policies": [self._labels.get(name, name) for name in self._policies], "start": self.start}

    def _found(self, name: str) -> Policy:
        return Named(self._policies[name], self._labels.get(name, name), self.start)


def _mapping(option: str, entries: Any) -> dict[str, Any]:
    if entries is None:
        return {}
    if not isinstance(entries, Mapping) or not all(isinstance(name, str) for name in entries):
        raise InvalidAgent(f"{option} is a dict from a tool's name to what is said of it, not {entries!r}.")
    return dict(entries)
