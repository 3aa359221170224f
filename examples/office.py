"""An office in which all capabilities of `docs/middleware.md` work together on one complaint.

pip install 'sagents[mcp]'
SAGENTS_APP=examples.office:app sagents dev
sagents chat office

What is in `/AGENTS.md` and `/skills/` of the files of a project, and at which desk the work is, holds where a program
begins: `begin`.
"""

import os
import sys
from collections.abc import Container, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sagents import (
    Agent,
    AgentRequest,
    AskUserQuestion,
    Budget,
    ConversationTitle,
    DebugLog,
    FileSystem,
    FileSystemConfig,
    Haltable,
    HumanInTheLoop,
    Instructions,
    McpTools,
    Message,
    Model,
    PatchToolCalls,
    ProcessContext,
    Sagents,
    Skills,
    SubAgent,
    SubAgentConfig,
    Summarization,
    TodoList,
    ToolContext,
    ask,
    halt,
    tool,
)
from sagents.client import AgentServer

app = Sagents()
MODEL = os.environ.get("OFFICE_MODEL") or "offline"
SMALL_MODEL = os.environ.get("OFFICE_SMALL_MODEL") or "offline"

POSTAGE = 120
LEDGER: MutableMapping[str, int] = {}
"""Cents by the call that has spent them."""
CLOSED: Container[str] = set()
BLOCKED = {"mallory"}
DESK: ContextVar[str] = ContextVar("desk", default="desk 0")
"""Whose work it is, set by the program that starts an agent."""

ambient = ProcessContext([DESK])


def still_open(arguments: Mapping[str, Any]) -> str | None:
    order = arguments["order"]
    return f"order {order} was closed meanwhile" if order in CLOSED else None


@tool
def paid(order: str) -> str:
    """What was paid for an order."""
    return f"2000 cents were paid for order {order}"


@tool(approval=ask(summary="Refund {amount} cents for order {order}", risk="high"), revalidate=still_open)
async def refund(context: ToolContext, order: str, amount: int) -> str:
    """Refund an order, in cents."""
    LEDGER[context.idempotency_key] = amount
    return f"refunded {amount} cents for order {order} at {DESK.get()}"


@tool
async def send(context: ToolContext, to: str, letter: str) -> str:
    """Send a letter, which is a file, to a customer."""
    if to in BLOCKED:
        halt(f"Nobody may write to {to}.")
    text = (await context.files.read(letter)).text
    LEDGER[context.idempotency_key] = POSTAGE
    return f"sent {len(text.split())} words to {to} from {DESK.get()}"


bookkeeper = SubAgentConfig(
    name="bookkeeper",
    description="Looks after payments and refunds",
    instructions="Check what was paid before you refund it.",
    tools=[paid, refund],
    max_runs=10,
)


def shop_orders() -> McpTools:
    return McpTools("orders", command=[sys.executable, str(Path(__file__).with_name("orders.py"))])


def made(
    small: Model | str = SMALL_MODEL,
    *,
    orders: McpTools | None = None,
    max_tokens: int = 120_000,
    model_calls: int = 20,
    log_dir: str | None = None,
) -> Agent:
    """The office. `small` writes titles and summaries; with a `log_dir` each run is logged there."""
    return Agent(
        model=MODEL,
        system_prompt="You settle complaints of a shop's customers.",
        tools=[send],
        middleware=[
            ambient,
            TodoList,
            FileSystem(directories=[FileSystemConfig(base_directory="team", scope="project")]),
            SubAgent([bookkeeper], middleware=[ambient]),
            Summarization(small, max_tokens_before_summary=max_tokens, messages_to_keep=4),
            PatchToolCalls,
            Instructions,
            Skills,
            orders or shop_orders(),
            HumanInTheLoop(policies={"send": ask(summary="Send {letter} to {to}")}),
            AskUserQuestion,
            Haltable,
            Budget(model_calls=model_calls),
            ConversationTitle(small),
            DebugLog(log_dir or "logs", enabled=log_dir is not None),
        ],
    )


@app.agent("office")
def office(request: AgentRequest) -> Agent:
    return made(log_dir=os.environ.get("OFFICE_LOGS"))


async def begin(server: AgentServer, agent_id: str, *, project: str, desk: str, past: Sequence[Message] = ()) -> None:
    """An office for a project; its tools, and those of its sub-agents, know the desk. `past` was said before."""
    DESK.set(desk)
    scope, options = {"project": project}, ambient.captured()
    await server.start("office", agent_id=agent_id, messages=past, scope=scope, options=options)
