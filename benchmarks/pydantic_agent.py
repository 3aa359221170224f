"""The same work by pydantic-ai's own Temporal agent: the whole conversation is an argument of every model call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from pydantic_ai import Agent
    from pydantic_ai.durable_exec.temporal import PydanticAIPlugin, PydanticAIWorkflow, TemporalDurability
    from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    from benchmarks import chatter
    from benchmarks.stage import Signals, Talk

QUEUE = "pydantic-ai"
HEARD = Signals()


async def think(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """A call of the tool for a question, an answer for a result."""
    last = messages[-1].parts[-1]
    if isinstance(last, UserPromptPart):
        return ModelResponse(parts=[ToolCallPart("look_up", {"topic": chatter.topic(str(last.content))})])
    assert isinstance(last, ToolReturnPart)
    HEARD.give()
    return ModelResponse(parts=[TextPart(chatter.answer(str(last.content)))])


AGENT = Agent(FunctionModel(think), name="chatter", capabilities=[TemporalDurability()])


@AGENT.tool_plain
async def look_up(topic: str) -> str:
    """Look something up."""
    return chatter.reading(topic)


@workflow.defn(name="PydanticAgentWorkflow")
class PydanticAgentWorkflow(PydanticAIWorkflow):
    """Runs the agent on each message, with all that was said before."""

    __pydantic_ai_agents__ = (AGENT,)

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.busy = False

    @workflow.run
    async def run(self) -> None:
        history: list[ModelMessage] = []
        while True:
            await workflow.wait_condition(lambda: bool(self.waiting))
            done = await AGENT.run(self.waiting.pop(0), message_history=history)
            history = done.all_messages()
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
async def pydantic_talk(address: str) -> AsyncIterator[Talk]:
    """A workflow of pydantic-ai's to talk to, and its worker."""
    client = await Client.connect(address, plugins=[PydanticAIPlugin()])
    async with Worker(client, task_queue=QUEUE, workflows=[PydanticAgentWorkflow]):
        yield Talk(await client.start_workflow(PydanticAgentWorkflow.run, id=QUEUE, task_queue=QUEUE), HEARD)
