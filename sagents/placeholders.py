"""The result that stands in for an answer while a person is asked, and the question read back from it.

It is part of the conversation, so that a State alone is enough to know what waits (B-18).
"""

from sagents.interrupts import Interrupt, Raised
from sagents.messages import ToolCall, ToolResult


def placeholder(call: ToolCall, raised: Raised) -> ToolResult:
    """What the conversation keeps of a call that has asked a person."""
    return ToolResult(
        tool_call_id=call.call_id,
        name=call.name,
        content=raised.message,
        is_interrupt=True,
        interrupt_data={
            "type": raised.reason,
            "reason": raised.reason,
            "message": raised.message,
            "allowed_decisions": list(raised.allowed_decisions),
            **raised.data,
            "tool_call_id": call.call_id,
        },
    )


def question(result: ToolResult) -> Interrupt:
    """The interrupt that a placeholder stands for."""
    data = result.interrupt_data or {}
    allowed = data.get("allowed_decisions")
    return Interrupt(
        id=f"int_{result.tool_call_id}",
        reason=str(data.get("reason") or data.get("type") or Raised().reason),
        message=str(data.get("message") or result.text),
        tool_call_id=result.tool_call_id,
        tool=result.name,
        data={name: value for name, value in data.items() if name not in _OURS},
        allowed_decisions=tuple(map(str, allowed)) if isinstance(allowed, list) else Raised().allowed_decisions,
    )


_OURS = frozenset({"reason", "message", "allowed_decisions", "tool_call_id"})
