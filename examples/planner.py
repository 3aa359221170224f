"""An agent that plans, names its conversation and shortens it: what stands in `docs/middleware.md`, at work.

`SAGENTS_APP=examples.planner:app sagents dev`, then `sagents chat planner`.
"""

import os

from sagents import (
    Agent,
    AgentRequest,
    ConversationTitle,
    DebugLog,
    Model,
    Sagents,
    Summarization,
    TodoList,
    tool,
)

app = Sagents()
MODEL = os.environ.get("PLANNER_MODEL", "anthropic:claude-sonnet-4-5")
SMALL_MODEL = os.environ.get("PLANNER_SMALL_MODEL", "anthropic:claude-haiku-4-5")


@tool
def room(day: str, people: int) -> str:
    """Find a free room for a day."""
    return f"the blue room, {people} seats, free on {day}"


def made(small: Model | str = SMALL_MODEL, *, max_tokens: int = 120_000, log_dir: str | None = None) -> Agent:
    """The planner. `small` writes titles and summaries; with a `log_dir` each run is logged there."""
    return Agent(
        model=MODEL,
        system_prompt="You prepare meetings.",
        tools=[room],
        middleware=[
            TodoList(inline=True),
            Summarization(small, max_tokens_before_summary=max_tokens),
            ConversationTitle(small),
            DebugLog(log_dir or "logs", enabled=log_dir is not None),
        ],
    )


@app.agent("planner")
def planner(request: AgentRequest) -> Agent:
    return made(log_dir=os.environ.get("PLANNER_LOGS"))
