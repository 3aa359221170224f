"""The agents that the worker of template.yaml runs: put yours here."""

import os

from sagents import Agent, AgentRequest, Sagents, tool

app = Sagents()

MODEL = os.environ.get("MODEL", "offline")
"""`offline` needs no key; "bedrock:…", "anthropic:…" and "openai:…" are real (docs/models.md)."""


@tool
def word_count(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


@app.agent("helper")
def helper(_request: AgentRequest) -> Agent:
    return Agent(model=MODEL, system_prompt="Be brief.", tools=[word_count])
