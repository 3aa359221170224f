"""Plain Temporal with the same activities: what a history costs before there is any agent.

It keeps no state but the last message, saves nothing and answers nobody's questions.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks import chatter
    from benchmarks.stage import Signals, Talk

QUEUE = "bare"
OPTIONS = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(minutes=15),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200)),
)

Values = dict[str, str]


@dataclass(frozen=True)
class BareActivities:
    """A model and a tool; `heard` is told of every answer."""

    heard: Signals

    @activity.defn(name="model_step")
    async def model_step(self, message: Values) -> Values:
        """A call of the tool for a question, an answer for a result."""
        if message["role"] == "user":
            return {"tool": "look_up", "topic": chatter.topic(message["content"])}
        self.heard.give()
        return {"role": "assistant", "content": chatter.answer(message["content"])}

    @activity.defn(name="tool_call")
    async def tool_call(self, call: Values) -> Values:
        """The tool's result."""
        return {"role": "tool", "content": chatter.reading(call["topic"])}


@workflow.defn(name="BareWorkflow")
class BareWorkflow:
    """A round a message, for ever."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.busy = False

    @workflow.run
    async def run(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self.waiting))
            question = {"role": "user", "content": self.waiting.pop(0)}
            call = await workflow.execute_activity_method(BareActivities.model_step, question, **OPTIONS)
            result = await workflow.execute_activity_method(BareActivities.tool_call, call, **OPTIONS)
            await workflow.execute_activity_method(BareActivities.model_step, result, **OPTIONS)
            self.busy = bool(self.waiting)

    @workflow.update(name="add_message")
    def add_message(self, text: str) -> str:
        self.busy = True
        self.waiting.append(text)
        return "accepted"

    @workflow.query(name="status")
    def status(self) -> str:
        return "running" if self.busy else "idle"


@asynccontextmanager
async def bare_talk(client: Client) -> AsyncIterator[Talk]:
    """A bare workflow to talk to, and its worker."""
    heard = Signals()
    activities = BareActivities(heard)
    async with Worker(
        client, task_queue=QUEUE, workflows=[BareWorkflow], activities=[activities.model_step, activities.tool_call]
    ):
        yield Talk(await client.start_workflow(BareWorkflow.run, id=QUEUE, task_queue=QUEUE), heard)
