"""The work of the benchmarks: a user says 100 bytes, the model calls a tool for 1 KB and answers 1 KB."""

from benchmarks.words import prose
from sagents import Agent, Sagents, tool
from sagents.messages import Message, Role, ToolCall
from sagents.ports import DeltaSink, ModelRequest

USER, TOOL, ANSWER = 100, 1_000, 1_000


def question(number: int) -> str:
    """What the user says in a round."""
    return prose(USER, f"user {number}")


def reading(topic: str) -> str:
    """What the tool returns."""
    return prose(TOOL, topic)


def answer(result: str) -> str:
    """What the model makes of it."""
    return prose(ANSWER, result)


def topic(text: str) -> str:
    """What the model wants to know, given a question."""
    return text[:40]


SAID = USER + TOOL + ANSWER + len('{"topic": ""}') + 40
"""Bytes said in a round: what a plain text file of the conversation would hold."""


class Chatter:
    """The model of our agent: it looks at the last message and knows what to do."""

    name = "chatter"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:  # noqa: ARG002 (nobody watches)
        last = request.messages[-1]
        if last.role is Role.USER:
            return Message.assistant(
                None, tool_calls=(ToolCall(call_id="c", name="look_up", arguments={"topic": topic(last.text)}),)
            )
        return Message.assistant(answer(last.tool_results[0].text))


@tool
def look_up(topic: str) -> str:
    """Look something up."""
    return reading(topic)


@tool(name="look_up", inline=True)
def look_up_inline(topic: str) -> str:
    """Look something up, within the model step."""
    return reading(topic)


def chatter_app() -> Sagents:
    """`chatter` calls its tool by an activity, `inline` within the model step."""
    app = Sagents()
    app.agent("chatter", Agent(model=Chatter(), tools=[look_up]))
    app.agent("inline", Agent(model=Chatter(), tools=[look_up_inline]))
    return app
