"""The stand-in that new projects begin with."""

import subprocess
import sys

import pytest

from sagents import Agent, Message, tool
from sagents.ports import ModelRequest
from sagents_infra.wiring import resolve_model


@tool
def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.asyncio
async def test_it_calls_a_tool_that_takes_a_text_and_tells_what_came_of_it() -> None:
    outcome = await Agent(model="offline", tools=[add, shout]).execute("hello")
    assert outcome.unwrap().text.startswith("shout says: HELLO (I am a stand-in without wits")


@pytest.mark.asyncio
async def test_without_such_a_tool_it_says_what_it_heard() -> None:
    outcome = await Agent(model=resolve_model("offline"), tools=[add]).execute("hello")
    assert outcome.unwrap().text.startswith("You said: hello (")


@pytest.mark.asyncio
@pytest.mark.parametrize("said", ["two words", "a  gap\nand a line ", ""])
async def test_what_it_says_word_by_word_is_what_it_says(said: str) -> None:
    """Pages show both, the words and then the message: told apart, the text would be there twice."""
    words: list[str] = []
    request = ModelRequest(messages=(Message.user(said),), tools=())
    reply = await resolve_model("offline").ask(request, lambda delta: words.append(delta.text))
    assert "".join(words) == reply.text
    assert len(words) > 5


def test_a_worker_does_not_import_an_adapter_for_it() -> None:
    code = "import sys, sagents_infra.wiring as w; w.resolve_model('offline'); print('pydantic_ai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
