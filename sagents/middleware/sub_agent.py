"""The agent sends others: a tool that hands a task to a sub-agent, which works alone and reports back (B-45…B-57)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from sagents.errands import MAX_CHILDREN, MAX_DEPTH, Delegate, Errand
from sagents.errors import InvalidAgent
from sagents.hooks import HookContext, Middleware
from sagents.model_checks import check_model
from sagents.replies import ModelRetry
from sagents.sub_agents import GENERAL_PURPOSE, CompiledSubAgent, Heritage, SubAgentConfig, checked
from sagents.tool_context import ToolContext
from sagents.tools import Tool

if TYPE_CHECKING:
    from sagents.agent import Agent, ModelLike

MAX_PROMPT = 10_000
INJECTION = re.compile(
    r"(ignore|disregard|forget|override)\s+(all\s+|any\s+)?(of\s+)?(the\s+|your\s+)?(previous|prior|above|earlier|system)"
    r"\s+(instruction|prompt|rule|message)|<\s*/?\s*system\s*>|<\|im_(start|end)\|>|\[/?INST\]|^\s*system\s*:",
    re.IGNORECASE | re.MULTILINE,
)
"""Texts that try to be more than a task: a prompt with one of them is refused."""

_PROMPT = """## task

Use `task` to hand a piece of work to a sub-agent: one that takes many steps, or whose details you do not need. It \
knows nothing of this conversation and cannot ask anybody, so say in `instructions` all that it needs, and what to \
report. You get its report as the result, and nothing else.

Hand over pieces that do not depend on each other in one reply: their sub-agents work side by side. Work of one or two \
steps is quicker done by yourself."""


class SubAgent(Middleware):
    """Gives the agent the tool `task`, and a sub-agent `general-purpose`, which has its tools and its middleware.

    `middleware` and `model` are those of sub-agents that are given none, in the place of the parent's. What is of a
    class in `block_middleware` is not inherited. Sub-agents may call each other `max_depth` deep, and one run of an
    agent may call `max_children` of them.
    """

    id = "sub_agent"
    inherited = False

    def __init__(
        self,
        subagents: Sequence[SubAgentConfig | CompiledSubAgent] = (),
        *,
        model: ModelLike | None = None,
        middleware: Sequence[Middleware | type[Middleware]] | None = None,
        block_middleware: Sequence[type[Middleware]] = (),
        include_task_list: bool = True,
        max_depth: int = MAX_DEPTH,
        max_children: int = MAX_CHILDREN,
    ) -> None:
        for option, value in (("max_depth", max_depth), ("max_children", max_children)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidAgent(f"SubAgent: {option} is a whole number of at least 1, not {value!r}.")
        if model is not None:
            check_model("model", model)
        self.subagents = checked(subagents)
        self.include_task_list = include_task_list
        self.max_depth, self.max_children = max_depth, max_children
        self._heritage = Heritage.of(model, middleware, block_middleware)
        self._detailed = {one.name: one.use_instructions for one in self.subagents.values() if one.use_instructions}
        self._tools = (self._task_tool(), *((self._instructions_tool(),) if self._detailed else ()))
        self.tool_names = tuple(tool.name for tool in self._tools)

    def system_prompt(self, _: HookContext, /) -> str:
        return "\n".join([_PROMPT, *(["", "### Available tasks", "", *self._list] if self.include_task_list else [])])

    def tools(self, _: HookContext, /) -> tuple[Tool[..., Any], ...]:
        return self._tools

    def sub_agent(self, name: str, parent: Agent, system_prompt: str | None = None, /) -> Delegate | None:
        """The sub-agent. Raises `ModelRetry` for a prompt that it does not take."""
        known = self.subagents.get(name)
        if known is None:
            return None
        prompt = _prompt(name, system_prompt)
        delegate = known.delegate(parent, self._heritage, prompt)
        return Delegate(**{**vars(delegate), "max_depth": self.max_depth, "max_children": self.max_children})

    def debug_summary(self) -> JsonValue:
        return {"subagents": [*self.subagents], "max_depth": self.max_depth, "max_children": self.max_children}

    @property
    def _list(self) -> list[str]:
        return [f"- `{one.name}`: {one.description}" for one in self.subagents.values()]

    def _task_tool(self) -> Tool[..., Any]:
        return Tool.from_schema(
            name="task",
            description="Hand a piece of work to a sub-agent and wait for its report.",
            display_text="Running task",
            parameters=_task_parameters([*self.subagents]),
            function=_task,
            errand=True,
        )

    def _instructions_tool(self) -> Tool[..., Any]:
        names: list[JsonValue] = [*self._detailed]
        return Tool.from_schema(
            name="get_task_instructions",
            description="Read how to word the instructions of a task before you hand it over.",
            parameters={
                "type": "object",
                "properties": {"task_name": {"type": "string", "enum": names}},
                "required": ["task_name"],
                "additionalProperties": False,
            },
            function=self._instructions,
            inline=True,
        )

    def _instructions(self, _: ToolContext, arguments: dict[str, Any]) -> str:
        name = arguments["task_name"]
        if name not in self.subagents:
            raise ModelRetry(f"Unknown task name: {name}")
        return self._detailed.get(name) or f"There is nothing to know about the task '{name}' but its description."


def _task_parameters(names: list[JsonValue]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": {
            "instructions": {
                "type": "string",
                "description": "All that the sub-agent needs to know, and what it shall report",
            },
            "task_name": {"type": "string", "enum": names, "description": "Which sub-agent does it"},
            "system_prompt": {
                "type": "string",
                "description": f"Who the sub-agent shall be; for `{GENERAL_PURPOSE}` only",
            },
        },
        "required": ["instructions", "task_name"],
        "additionalProperties": False,
    }


def _task(_: ToolContext, arguments: dict[str, Any]) -> Errand:
    instructions, name = arguments["instructions"], arguments["task_name"]
    if not isinstance(instructions, str) or not instructions.strip():
        raise ModelRetry("The instructions are empty; say what the sub-agent shall do.")
    return Errand(str(name), instructions, arguments.get("system_prompt"))


def _prompt(name: str, given: Any) -> str | None:
    """A prompt by the model is for the sub-agent that has none of its own; it may not undo what others say (E-91)."""
    if given is None:
        return None
    if name != GENERAL_PURPOSE:
        raise ModelRetry(f"system_prompt is for the task '{GENERAL_PURPOSE}' only; '{name}' has its own.")
    if not isinstance(given, str) or not given.strip():
        raise ModelRetry("system_prompt is empty; leave it out or say who the sub-agent shall be.")
    if len(given) > MAX_PROMPT:
        raise ModelRetry(f"system_prompt has {len(given):,} characters, {MAX_PROMPT:,} are allowed.")
    if INJECTION.search(given):
        raise ModelRetry("system_prompt tries to undo other instructions; say only what the sub-agent shall do.")
    return given
