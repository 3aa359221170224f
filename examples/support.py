"""The smallest agent: `SAGENTS_APP=examples.support:app sagents dev`, then `sagents chat`."""

import os

from sagents import Agent, AgentRequest, Sagents, tool

app = Sagents()
MODEL = os.environ.get("MODEL") or "offline"  # MODEL=anthropic:claude-sonnet-5-5, and ANTHROPIC_API_KEY for it


@tool
def word_count(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


@app.agent("helper")
def helper(request: AgentRequest) -> Agent:
    return Agent(model=MODEL, system_prompt="Be brief.", tools=[word_count])
