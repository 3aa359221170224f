"""The workflow's side of tracing: it hands on the trace of who was heard last. It makes no spans, so replay makes none.

Runs in workflows, so it imports nothing of OpenTelemetry, and headers stay the payloads that they are.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle, ChildWorkflowHandle

from sagents import contract

HEADER = "_tracer-data"
"""Temporal's own header for this, as `temporalio.contrib.opentelemetry` writes and reads it."""

CAUSES = frozenset({contract.ADD_MESSAGE, contract.EXECUTE, contract.RESUME, contract.DECIDE})
"""Commands that runs begin with. Others, as a viewer's, are no reason for what an agent does next."""

Headers = Mapping[str, Payload]


class Carrying(WorkflowInboundInterceptor):
    """Hears where requests come from."""

    def __init__(self, next: WorkflowInboundInterceptor) -> None:
        super().__init__(next)
        self.heard: Payload | None = None
        self._began = False

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(HandingOn(outbound, self))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        if not self._began:  # a message may come with the start, and is heard first
            self.heard = input.headers.get(HEADER)
        return await super().execute_workflow(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        self._hear(input.update, input.headers)
        return await super().handle_update_handler(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        self._hear(input.signal, input.headers)
        await super().handle_signal(input)

    def _hear(self, command: str, headers: Headers) -> None:
        if command in CAUSES:
            self._began, self.heard = True, headers.get(HEADER)

    def carried(self, headers: Headers) -> Headers:
        return {**headers, HEADER: self.heard} if self.heard is not None else headers


class HandingOn(WorkflowOutboundInterceptor):
    """Tells activities, sub-agents and the next workflow run of this agent."""

    def __init__(self, next: WorkflowOutboundInterceptor, inbound: Carrying) -> None:
        super().__init__(next)
        self._inbound = inbound

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        input.headers = self._inbound.carried(input.headers)
        return super().start_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> ChildWorkflowHandle[Any, Any]:
        input.headers = self._inbound.carried(input.headers)
        return await super().start_child_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        input.headers = self._inbound.carried(input.headers)
        super().continue_as_new(input)
