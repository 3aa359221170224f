"""A reply as people see it: the last word of the middleware before it becomes rows (B-25)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sagents.awaiting import called
from sagents.display import DisplayMessage
from sagents.displaying import Showing
from sagents.messages import Message, ToolResult
from sagents.operations import AddMessages, CutMessages, Operation, SetMessages
from sagents.plan import Plan
from sagents.tool_rows import at_once

if TYPE_CHECKING:
    from sagents.agent import Agent


def reply_in(plan: Plan, reply_id: str) -> Message | None:
    """What the model said, as the plan keeps it: `after_model` hooks have changed it by then (B-28)."""
    said = (message for operation in reversed(plan.operations) for message in _messages(operation))
    return next((message for message in said if message.id == reply_id), None)


async def reshaped(agent: Agent, message: Message | None) -> Message | None:
    """The message as the agent's middleware wants it shown. One that fails is passed over, and told in the log."""
    for middleware in agent.stack if message is not None else ():
        try:
            shown: object = await called(middleware.transform_display_message, message)
            if not isinstance(shown, Message):
                raise TypeError(f"it returned {type(shown).__name__}, not a Message")
            message = shown
        except Exception as error:
            logging.getLogger("sagents").warning("%s.transform_display_message: %r", middleware.id, error)
    return message


def rows_of(plan: Plan, reply_id: str, message: Message | None, showing: Showing) -> tuple[DisplayMessage, ...]:
    """The rows of a plan's reply; those of calls that the step has run or refused have ended already."""
    if message is None:
        return ()
    results: Mapping[str, ToolResult] = {call.call_id: call.result.result for call in plan.calls if call.result}
    rows: list[DisplayMessage] = []
    for row in showing.reply(message, reply_id):
        rows += at_once(row, results.get(row.tool_call_id or ""), showing)
    return tuple(rows)


def _messages(operation: Operation) -> Iterable[Message]:
    match operation:
        case AddMessages() | SetMessages():
            return reversed(operation.messages)
        case CutMessages():
            return reversed(operation.replacement)
        case _:
            return ()
