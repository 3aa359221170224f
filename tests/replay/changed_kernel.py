"""A kernel that does something else first, as a careless change would: its replays have to fail."""

from datetime import timedelta
from typing import Any

from temporalio import workflow

from sagents_workflows import AgentWorkflow, SubAgentWorkflow

with workflow.unsafe.imports_passed_through():
    from sagents import contract
    from sagents.carried import Farewell
    from sagents.plan import CallResult


@workflow.defn(name=contract.AGENT_WORKFLOW)
class ChangedWorkflow(AgentWorkflow):
    """Takes a breath before it lives."""

    @workflow.init
    def __init__(self, *payloads: Any) -> None:
        super().__init__(*payloads)

    @workflow.run
    async def run(self, *payloads: Any) -> Farewell | CallResult:
        await workflow.sleep(timedelta(seconds=1))
        return await super().run(*payloads)


@workflow.defn(name=contract.SUB_AGENT_WORKFLOW)
class ChangedSubAgentWorkflow(SubAgentWorkflow):
    """Takes a breath before it works."""

    @workflow.init
    def __init__(self, *payloads: Any) -> None:
        super().__init__(*payloads)

    @workflow.run
    async def run(self, *payloads: Any) -> Farewell | CallResult:
        await workflow.sleep(timedelta(seconds=1))
        return await super().run(*payloads)
