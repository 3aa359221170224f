"""What was said, in spans: only where it is asked for, since it may be anything."""

import json
from typing import Any

from opentelemetry.trace import Span

from sagents.messages import Message, Role
from sagents.operations import AddMessages
from sagents.plan import CallResult, Plan
from sagents_infra.redaction import without_secrets
from sagents_infra.telemetry.naming import OUTPUT, RESULT


def show(step: Span | None, tools: list[Span], result: Any) -> None:
    """The replies that a step has led to, and what a tool has returned."""
    match result:
        case Plan() if step is not None:
            step.set_attribute(OUTPUT, json.dumps(_replies(result)))
        case CallResult():
            for tool in tools:
                tool.set_attribute(RESULT, without_secrets(result.result.text))
        case _:
            return


def _replies(plan: Plan) -> list[dict[str, Any]]:
    added = [operation.messages for operation in plan.operations if isinstance(operation, AddMessages)]
    return [_reply(message) for messages in added for message in messages if message.role is Role.ASSISTANT]


def _reply(message: Message) -> dict[str, Any]:
    """In the form of the conventions."""
    parts: list[dict[str, Any]] = [{"type": "text", "content": without_secrets(message.text)}] if message.text else []
    for call in message.tool_calls:
        arguments = without_secrets(call.arguments)
        parts.append({"type": "tool_call", "id": call.call_id, "name": call.name, "arguments": arguments})
    reason = "tool_call" if message.tool_calls else "stop"
    return {"role": "assistant", "parts": parts, "finish_reason": reason}
