"""Twenty sub-agents side by side under one parent, each with ten tool calls; then all of them are cancelled at once."""

import asyncio
import time

from temporalio.client import WorkflowExecutionStatus

from benchmarks.figures import Figure
from benchmarks.histories import chain_of
from benchmarks.stage import Stage, open_stage, say
from sagents import Agent, Sagents, SubAgent, SubAgentConfig, contract, tool
from sagents.messages import Message, Role, ToolCall
from sagents.ports import DeltaSink, ModelRequest

CHILDREN, CALLS = 20, 10
KB = 1024


class Sender:
    """Sends as many sub-agents as it is told, and then says what it heard."""

    name = "sender"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:  # noqa: ARG002 (nobody watches)
        last = request.messages[-1]
        if last.role is not Role.USER:
            return Message.assistant(f"{len(last.tool_results)} reports")
        name, count = last.text.split()
        return Message.assistant(
            None,
            tool_calls=tuple(
                ToolCall(call_id=f"c{n}", name="task", arguments={"task_name": name, "instructions": f"Read book {n}"})
                for n in range(int(count))
            ),
        )


class Reader:
    """Reads ten pages, one after the other."""

    name = "reader"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:  # noqa: ARG002 (nobody watches)
        pages = sum(len(message.tool_results) for message in request.messages)
        if pages == CALLS:
            return Message.assistant(f"{pages} pages")
        return Message.assistant(None, tool_calls=(ToolCall(call_id="c", name="page", arguments={"number": pages}),))


class Dreamer:
    """Never answers."""

    name = "dreamer"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:  # noqa: ARG002 (nobody watches)
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets")


@tool
def page(number: int) -> str:
    """A page of a book."""
    return f"page {number}"


def library() -> Sagents:
    """A desk with sub-agents that read, and some that dream."""
    app = Sagents()
    about = {"description": "Reads a book", "instructions": "Read.", "tools": [page]}
    readers = SubAgentConfig(name="reader", model=Reader(), **about)  # type: ignore[arg-type]
    dreamers = SubAgentConfig(name="dreamer", model=Dreamer(), **about)  # type: ignore[arg-type]
    app.agent("desk", Agent(model=Sender(), middleware=[SubAgent([readers, dreamers])]))
    return app


async def main() -> list[Figure]:
    async with open_stage() as stage, stage.working(library()):
        return [*await reports(stage, CHILDREN), *await cancelled(stage, CHILDREN)]


async def reports(stage: Stage, children: int) -> list[Figure]:
    """All of them read their book."""
    talk = await stage.agent("desk")
    seconds = await talk.say(f"reader {children}")
    say(f"{children} reports in {seconds:.0f} s")
    parent = await chain_of(stage.client, talk.handle.id)
    below = await chain_of(stage.client, f"{talk.handle.id}/reader-1.1.0")
    what = f"{children} sub-agents with {CALLS} tool calls each"
    return [
        Figure(f"{what}: history of the parent", parent.bytes / KB, 300, "KB"),
        Figure("… history of one sub-agent", below.bytes / KB, unit="KB"),
        Figure("… seconds", seconds),
    ]


async def cancelled(stage: Stage, children: int) -> list[Figure]:
    """All of them wait for a model when somebody cancels their parent."""
    talk = await stage.agent("desk")
    talk.heard.forget()
    await talk.handle.execute_update(contract.ADD_MESSAGE, f"dreamer {children}")
    ids = [f"{talk.handle.id}/dreamer-1.1.{n}" for n in range(children)]
    while await _begun(stage, talk.handle.id) < children:  # noqa: ASYNC110 (it is elsewhere)
        await asyncio.sleep(0.1)
    began = time.perf_counter()
    await talk.handle.execute_update(contract.CANCEL)
    while await _open(stage, ids):  # noqa: ASYNC110 (it is elsewhere)
        await asyncio.sleep(0.05)
    return [Figure(f"{children} sub-agents cancelled: seconds until all are closed", time.perf_counter() - began, 5)]


async def _begun(stage: Stage, agent_id: str) -> int:
    return sum(event.type == "subagent_started" for event in await stage.store.events(agent_id))


async def _open(stage: Stage, ids: list[str]) -> bool:
    described = await asyncio.gather(*(stage.client.get_workflow_handle(one).describe() for one in ids))
    return any(one.status is WorkflowExecutionStatus.RUNNING for one in described)
