"""The tool calls of recorded steps: a head names them, the store has what they are called with."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from temporalio import activity

from sagents.messages import Message, ToolCall
from sagents.operations import AddMessages, CutMessages, Operation, SetMessages
from sagents.plan import Plan
from sagents.ports import Store


@dataclass
class RecordedCalls:
    """The calls of the records that this process read last: a batch of many calls parses its record once.

    The key of a record is unique to its agent only, so the workflow run goes with it.
    """

    store: Store
    limit: int = 64 * 1024 * 1024
    _calls: OrderedDict[tuple[str, str], tuple[Mapping[str, ToolCall], int]] = field(default_factory=OrderedDict)

    async def of(self, agent_id: str, record: str) -> Mapping[str, ToolCall] | None:
        """The calls of a record by their ids; None where the store does not have it (any more)."""
        key = (activity.info().workflow_run_id or "", record)
        if key not in self._calls:
            body = await self.store.get(agent_id, record)
            if body is None:
                return None
            self._keep(key, body)
        return self._calls[key][0]

    def _keep(self, key: tuple[str, str], body: str) -> None:
        calls = calls_of(Plan.model_validate_json(body))
        self._calls[key] = (calls, len(body))
        while sum(size for _, size in self._calls.values()) > self.limit and len(self._calls) > 1:
            self._calls.popitem(last=False)


def calls_of(plan: Plan) -> Mapping[str, ToolCall]:
    """The calls of a recorded plan by their ids."""
    messages = (message for operation in plan.operations for message in _said(operation))
    return {call.call_id: call for message in messages for call in message.tool_calls}


def _said(operation: Operation) -> tuple[Message, ...]:
    """The messages of an operation; an `after_model` hook may have changed a reply, and then the later ones count."""
    match operation:
        case AddMessages() | SetMessages():
            return operation.messages
        case CutMessages():
            return operation.replacement
        case _:
            return ()
