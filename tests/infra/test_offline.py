"""The stand-in that new projects begin with."""

import subprocess
import sys

import pytest

from sagents import Agent, tool
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


def test_a_worker_does_not_import_an_adapter_for_it() -> None:
    code = "import sys, sagents_infra.wiring as w; w.resolve_model('offline'); print('pydantic_ai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
