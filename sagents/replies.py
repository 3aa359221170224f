"""What a tool or a hook may answer with, besides plain values: the words in which user code speaks to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn, TypedDict, Unpack

from pydantic import JsonValue, ValidationError
from pydantic.dataclasses import dataclass

from sagents.approvers import Approvers
from sagents.decisions import KINDS_OF_DECISION
from sagents.interrupts import Raised
from sagents.messages import ContentPart
from sagents.state import StateDelta
from sagents.terms import Escalation, OnExpiry, Terms

HALT = "halt"
"""The reason of an interrupt that ends the work at once (B-96)."""


@dataclass(frozen=True)
class ToolResult:
    """A tool's answer in full (B-15): `content` is for the model, `artifacts` for programs, `state` is merged.

    The result that a conversation keeps is `sagents.messages.ToolResult`.
    """

    content: str | tuple[ContentPart, ...] | JsonValue = ""
    state: StateDelta | None = None
    artifacts: JsonValue = None
    is_error: bool = False


@dataclass(frozen=True)
class Pause:
    """Ends the run for now; `resume` goes on with it (B-12)."""

    cause: str | None = None


class ModelRetry(Exception):
    """Raised by a tool: the model reads the text as an error result at once, and may call again."""


class FailRun(Exception):
    """Raised by a hook of a step, as `before_model`: the run ends with this error.

    `type` is stable and for programs, the message for people.
    """

    def __init__(self, type: str, message: str) -> None:
        self.type = type
        super().__init__(message)


class WrongAnswer(ValueError):
    """Raised by `handle_resume`: the answer does not fit, the question stays open and the text says why.

    `pointer` (RFC 6901) says where in the decision.
    """

    def __init__(self, message: str, *, pointer: str = "") -> None:
        self.pointer = pointer
        super().__init__(message)


class TermOptions(TypedDict, total=False):
    """The terms of a question (`sagents.terms.Terms`), for those who raise it."""

    approvers: Approvers | None
    required_approvals: int
    self_approval: bool
    operators_may_decide: bool
    risk: str | None
    expires_after: timedelta | None
    on_expiry: OnExpiry
    remind_after: timedelta | None
    escalate: Sequence[Escalation]
    notify: Sequence[str] | None
    policy: str


class RaiseInterrupt(Exception):
    """Raised by a tool or a hook: the run waits until a person has answered.

    With a `response_schema` (JSON Schema) the answer is a value that fits it, and the tool's result as JSON.
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason: str = "input_required",
        data: Mapping[str, JsonValue] | None = None,
        response_schema: Mapping[str, JsonValue] | None = None,
        allowed_decisions: Sequence[str] | None = None,
        **terms: Unpack[TermOptions],
    ) -> None:
        if reason == "tool_call":
            raise ValueError('The reason "tool_call" is for approvals: `@tool(approval=ask())` asks before a call.')
        given: dict[str, Any] = {
            **_usual(reason, response_schema),
            **_checked(terms),
            "reason": reason,
            "message": message,
            "data": dict(data or {}),
        }
        if allowed_decisions is not None:
            given["allowed_decisions"] = tuple(allowed_decisions)
        self.raised = _raised(given)
        super().__init__(message)


def halt(message: str = "", *, data: Mapping[str, JsonValue] | None = None, **terms: Unpack[TermOptions]) -> NoReturn:
    """End the agent's work from within a tool or hook: no model is asked any more, people read the message (B-96).

    Whoever answers says something new, and the agent goes on with that; `dismiss_interrupt` only closes it.
    """
    raise RaiseInterrupt(message, reason=HALT, data=data, **terms)


def _usual(reason: str, response_schema: Mapping[str, JsonValue] | None) -> dict[str, Any]:
    """What a question of this kind is answered with, unless it says otherwise."""
    if reason == HALT:
        text: dict[str, JsonValue] = {"type": "string", "minLength": 1}
        return {"allowed_decisions": ("respond",), "response_schema": text, "on_expiry": "cancel_run"}
    if response_schema is not None:
        return {"allowed_decisions": ("respond", "reject"), "response_schema": dict(response_schema)}
    return {}


def _checked(terms: TermOptions) -> TermOptions:
    if unknown := sorted(terms.keys() - Terms.model_fields.keys()):
        raise TypeError(f"RaiseInterrupt takes no {', '.join(map(repr, unknown))}")
    return terms


def _raised(given: dict[str, Any]) -> Raised:
    """Raises `ValueError` for terms that cannot be meant."""
    try:
        raised = Raised.model_validate(given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"RaiseInterrupt: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    unknown = [kind for kind in raised.allowed_decisions if kind not in KINDS_OF_DECISION]
    if unknown or not raised.allowed_decisions:
        raise ValueError(f"RaiseInterrupt: allowed_decisions are some of {', '.join(KINDS_OF_DECISION)}, not {unknown}")
    if raised.reason == HALT and raised.on_expiry != "cancel_run":
        raise ValueError('RaiseInterrupt: nobody goes on after a halt by itself; its on_expiry is "cancel_run"')
    return raised
