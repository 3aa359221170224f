"""temporalio/sdk-python#1890: a large conversation, then one run of many tool calls. And 1,000 calls in one run."""

from benchmarks.figures import Figure
from benchmarks.histories import chain_of
from benchmarks.stage import Stage, Talk, open_stage, say
from benchmarks.words import prose
from sagents import Agent, Sagents, contract, tool
from sagents.messages import Message, Role, ToolCall
from sagents.ports import DeltaSink, ModelRequest

MESSAGE, MESSAGES = 8_000, 100
RESULT, RESULTS = 5_000, 100
MANY = 1_000


class Collector:
    """Answers at length, until it is told to collect so many pages, one call after the other."""

    name = "collector"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:  # noqa: ARG002 (nobody watches)
        number, wanted = progress(request.messages)
        if not wanted:
            return Message.assistant(prose(MESSAGE, len(request.messages)))
        if number and number % 250 == 0:
            say(f"{number} calls")
        if number == wanted:
            return Message.assistant(f"{number} collected")
        call = ToolCall(call_id="c", name="page", arguments={"number": number})
        return Message.assistant(None, tool_calls=(call,))


def progress(messages: tuple[Message, ...]) -> tuple[int, int]:
    """How many results there are since the last order, and how many it wants; an order is a number."""
    results = 0
    for message in reversed(messages):
        results += len(message.tool_results)
        if message.role is Role.USER:
            return results, int(message.text) if message.text.isdigit() else 0
    return 0, 0


@tool
def page(number: int) -> str:
    """A page of a book."""
    return prose(RESULT, number)


@tool(name="page")
def line(number: int) -> str:
    """A line of a book."""
    return prose(80, number)


def collector_app() -> Sagents:
    app = Sagents()
    app.agent("pages", Agent(model=Collector(), tools=[page], max_runs=2 * RESULTS))
    app.agent("lines", Agent(model=Collector(), tools=[line], max_runs=2 * MANY))
    return app


async def main() -> list[Figure]:
    async with open_stage() as stage, stage.working(collector_app()):
        return [*await large(stage), *await long(stage)]


async def large(stage: Stage) -> list[Figure]:
    talk = await stage.agent("pages")
    for number in range(MESSAGES // 2):
        await talk.say(prose(MESSAGE, -number))
    say(f"{MESSAGES * MESSAGE:,} bytes said")
    seconds = await talk.say(str(RESULTS))
    chain = await chain_of(stage.client, talk.handle.id)
    said = MESSAGES * MESSAGE + RESULTS * RESULT
    return [
        Figure("800 KB said, then 100 calls of 5 KB: history ÷ said", chain.bytes / said, 1.4),
        Figure("… history", chain.bytes / 1e6, unit="MB"),
        Figure("… workflow runs", len(chain.runs)),
        Figure("… seconds for the run of 100 calls", seconds),
    ]


async def long(stage: Stage) -> list[Figure]:
    talk = await stage.agent("lines")
    seconds = await talk.say(str(MANY))
    chain = await chain_of(stage.client, talk.handle.id)
    return [
        Figure("1,000 calls in one run that did not complete", MANY - await collected(talk), 0),
        Figure("… history", chain.bytes / 1e6, unit="MB"),
        Figure("… workflow runs", len(chain.runs)),
        Figure("… seconds", seconds),
    ]


async def collected(talk: Talk) -> int:
    """What the agent says that it has collected."""
    messages = await talk.handle.query(contract.MESSAGES, result_type=list[Message])
    return int(messages[-1].text.split()[0])
