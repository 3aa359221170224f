"""The agent asks its user: a tool with typed questions, whose answers are checked and told in words (B-90…B-95)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from sagents.decisions import Decision
from sagents.errors import InvalidAgent
from sagents.hooks import HookContext, Middleware
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.messages import ToolResult
from sagents.question_arguments import MEANINGS, parameters, question_from
from sagents.questions import Question, ResponseType, question_of
from sagents.replies import RaiseInterrupt, TermOptions
from sagents.state import State
from sagents.tool_context import ToolContext
from sagents.tools import Tool
from sagents.user_answers import shown, told

NOBODY = "Nobody answered this question in time, so its default counts."
_PROMPT = """## ask_user

Use `ask_user` where only the user can decide: several ways are open and the choice matters, a wish is ambiguous, \
or a step would be costly to undo. Do not use it for what is minor, easily undone, or said before.

Ask one thing at a time, briefly. Give two to five distinct options, with a word on what each means."""


class AskUserQuestion(Middleware):
    """Gives the agent the tool `ask_user`.

    `response_types` are those it may use. `allow_other` and `allow_cancel` hold for every question where they are
    given; else the model decides. `terms` are those of every question: `expires_after`, `notify`, ...
    """

    inherited = False
    tool_names = ("ask_user",)

    def __init__(
        self,
        response_types: Sequence[str] | None = None,
        allow_other: bool | None = None,
        allow_cancel: bool | None = None,
        **terms: Unpack[TermOptions],
    ) -> None:
        self.response_types = _types(response_types)
        self.forced = {
            name: value
            for name, value in (("allow_other", allow_other), ("allow_cancel", allow_cancel))
            if value is not None
        }
        for name, value in self.forced.items():
            if not isinstance(value, bool):
                raise InvalidAgent(f"{name} must be a boolean when set, got: {value!r}")
        try:
            RaiseInterrupt(**terms)
        except (TypeError, ValueError) as error:
            raise InvalidAgent(f"AskUserQuestion: {error}") from None
        self.terms = terms
        self._tool = Tool.from_schema(
            name="ask_user",
            description="Ask the user a question, and wait for the answer.",
            display_text="Asking a question",
            parameters=parameters(self.response_types, self.forced),
            function=self._ask,
            inline=True,
        )

    def system_prompt(self, _: HookContext, /) -> str:
        lines = [f"- `{kind}`: {MEANINGS[kind]}" for kind in self.response_types]
        if "allow_other" not in self.forced:
            lines.append("- `allow_other` where an answer of the user's own would help")
        if "allow_cancel" not in self.forced:
            lines.append("- `allow_cancel=false` only where nothing can go on without an answer")
        return "\n".join([_PROMPT, "", *lines])

    def tools(self, _: HookContext, /) -> tuple[Tool[..., Any], ...]:
        return (self._tool,)

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        """All that it takes to answer is in the data."""
        return Question.of(data) is not None

    def handle_resume(
        self, interrupt: Interrupt, decision: Decision, state: State, context: HookContext, /
    ) -> State | None:
        """The answer in words is the tool's result, and is shown as what the user said."""
        question = question_of(interrupt)
        if question is None or interrupt.tool_call_id is None:
            return None
        text, in_time = told(question, decision), interrupt.status is not InterruptStatus.EXPIRED
        if in_time:
            context.emit("display_message_saved", {"row": _row(question, decision, interrupt.tool_call_id)})
        content = text if in_time else f"{NOBODY} {text}"
        result = ToolResult(tool_call_id=interrupt.tool_call_id, name=interrupt.tool, content=content)
        return state.replace_tool_result(result.tool_call_id, result)

    def debug_summary(self) -> JsonValue:
        return {"response_types": [str(kind) for kind in self.response_types], **self.forced}

    async def _ask(self, _: ToolContext, arguments: dict[str, Any]) -> None:
        question = question_from(arguments, self.response_types, self.forced)
        raise RaiseInterrupt(
            question.question,
            data=question.data,
            response_schema=question.response_schema,
            allowed_decisions=question.allowed_decisions,
            **self.terms,
        )


def _types(given: Sequence[str] | None) -> tuple[ResponseType, ...]:
    names = tuple(ResponseType) if given is None else (given,) if isinstance(given, str) else tuple(given)
    if not names or any(name not in tuple(ResponseType) for name in names):
        known = ", ".join(ResponseType)
        raise InvalidAgent(f"Invalid response types: {names!r}; give one or more of {known}.")
    return tuple(kind for kind in ResponseType if kind in names)


def _row(question: Question, decision: Decision, tool_call_id: str) -> dict[str, JsonValue]:
    """What people see of the answer: the user's words, or that they would not answer (B-95)."""
    cancelled = decision.type == "reject"
    return {
        "message_type": "system" if cancelled else "user",
        "content_type": "notification" if cancelled else "text",
        "content": {"text": shown(question, decision)},
        "tool_call_id": tool_call_id,
    }
