"""The result that stands in for an answer while a person is asked, and the question read back from it.

It is part of the conversation, so that a State alone is enough to know what waits, on which terms (B-18).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from sagents.approvers import Approvers
from sagents.interrupts import Interrupt, Raised
from sagents.messages import ToolCall, ToolResult
from sagents.replies import HALT
from sagents.terms import Terms

LOCKED = Terms(allowed_decisions=("reject",), approvers=Approvers())
"""The terms of a question whose own cannot be read: nobody may decide it; a new message or a cancel closes it."""


def placeholder(call: ToolCall, raised: Raised) -> ToolResult:
    """What the conversation keeps of a call that has asked a person. Pages read its `interrupt_data` (B-87)."""
    form = {"response_schema": dict(raised.response_schema)} if raised.response_schema is not None else {}
    source = {"source_tool": call.name} if raised.reason == HALT else {}
    terms = Terms.model_validate(raised.terms).model_dump(mode="json", exclude={"allowed_decisions"})
    return ToolResult(
        tool_call_id=call.call_id,
        name=call.name,
        content=raised.message,
        is_interrupt=True,
        interrupt_data={
            "type": raised.reason,
            "message": raised.message,
            **source,
            **raised.data,
            **form,
            **({"terms": terms} if terms else {}),
            "reason": raised.reason,
            "allowed_decisions": list(raised.allowed_decisions),
            "tool_call_id": call.call_id,
        },
    )


def question(result: ToolResult) -> Interrupt:
    """The interrupt that a placeholder stands for."""
    data = result.interrupt_data or {}
    schema = data.get("response_schema")
    reason = str(data.get("reason") or data.get("type") or Raised().reason)
    return Interrupt(
        id=f"int_{result.tool_call_id}",
        reason=reason,
        message=str(data.get("message") or result.text),
        tool_call_id=result.tool_call_id,
        tool=result.name,
        data={name: value for name, value in data.items() if name not in _OURS and (name, value) != ("type", reason)},
        response_schema=schema if isinstance(schema, Mapping) else None,
        **terms_of(data).terms,
    )


def terms_of(data: Mapping[str, JsonValue]) -> Terms:
    """The terms in a placeholder's data. Who cannot read them lets nobody in."""
    allowed = data.get("allowed_decisions")
    given: dict[str, Any] = {"allowed_decisions": allowed if isinstance(allowed, list) else Raised().allowed_decisions}
    stored = data.get("terms", {})
    try:
        return Terms.model_validate({**stored, **given}) if isinstance(stored, Mapping) else LOCKED
    except ValidationError:
        return LOCKED


_OURS = frozenset({"reason", "message", "allowed_decisions", "tool_call_id", "response_schema", "terms"})
