"""The conversation of `examples/office.py`: what its models say, how people decide, and what has to be true then.

todos, skill ── orders ── bookkeeper ── question ── (budget) ── letter ── (send) ── log ─▶ mallory ── (halt) ─▶
                           └─ paid ── (refund) ── report
"""

import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from examples import office, orders
from sagents import Agent, Approve, Decision, Event, Files, Interrupt, McpTools, Message, Respond, ToolCall
from sagents.client import AgentServer
from sagents.inbox import InboxItem
from sagents.ports import Blobs, DeltaSink, ModelRequest, ServerAddress, Store
from sagents.state import State
from sagents.status import Status
from sagents.testing import ScriptedModel, calls, calls_raw, says
from sagents_infra.mcp import connect
from tests.support.models import Thinks, last_user_text

SCOPE = {"project": "shop"}
FIRST, SECOND = "Ann's order 7 never came. Settle it and write to her.", "Send it to Mallory, too."
LETTER, LOG = "/letters/ann.md", "/team/log.md"
SUMMARY, TITLE = "Ann waits for her lamp.", "Ann's lamp"
SKILL = "---\nname: letters\ndescription: How we write\n---\nBegin with the customer's name."
PAST = [Message.assistant(None, tool_calls=(ToolCall(call_id="old", name="paid", arguments={"order": "6"}),))]
"""A call that nobody has answered, from where the conversation was before."""
PROGRAM = ServerAddress(name="orders", command=(sys.executable, str(Path(orders.__file__))))


def made(log_dir: str | None = None) -> Agent:
    """The office with small limits: it makes summaries, and has to ask for a larger budget."""
    small = Thinks(_small, name="small")
    server = McpTools("orders", server=connect(PROGRAM))
    return office.made(small, orders=server, max_tokens=60, model_calls=5, log_dir=log_dir)


def clerk() -> ScriptedModel:
    return ScriptedModel(
        _todos(False, "in_progress", "pending", "pending") & calls_raw("read_skill", {"name": "letters"}),
        calls_raw("orders__find", {"order": "7"}),
        calls_raw("task", {"task_name": "bookkeeper", "instructions": "Refund order 7, 2000 cents."}),
        calls_raw("ask_user", QUESTION),
        calls_raw("create_file", {"file_path": LETTER, "content": "Dear Ann,\nsorry. It is refunded.\n"}),
        calls_raw("replace_file_text", {"file_path": LETTER, "old_string": "sorry", "new_string": "we are so sorry"}),
        calls(office.send, to="ann", letter=LETTER),
        _todos(True, "completed", "completed", "in_progress")
        & calls_raw("create_file", {"file_path": LOG, "content": "order 7: refunded, written to\n"}),
        says("Ann has her money and a letter."),
        calls(office.send, to="mallory", letter=LETTER),
        says("Then I leave it."),
        name="clerk",
    )


def bookkeeper() -> ScriptedModel:
    return ScriptedModel(
        calls(office.paid, order="7"),
        calls(office.refund, order="7", amount=2000),
        says("Order 7 is refunded."),
        name="bookkeeper",
    )


QUESTION: dict[str, Any] = {
    "question": "How shall I write?",
    "response_type": "single_select",
    "options": [{"label": "Kindly", "value": "kind"}, {"label": "Briefly", "value": "brief"}],
}


def decision(interrupt: Interrupt) -> Decision:
    """What people say to whatever waits for them."""
    if interrupt.tool == "ask_user":
        return Respond({"selected": ["kind"]})
    match interrupt.reason:
        case "budget":
            return Approve(extend={"model_calls": 10})
        case "halt":
            return Respond("Leave it, then.")
        case _:
            return Approve()


async def at_once(attempt: Callable[[], Awaitable[Any]]) -> Any:
    return await attempt()


@dataclass
class Conversation:
    """People who talk to the office and decide what waits for them in the inbox, each thing once."""

    server: AgentServer
    store: Store
    agent_id: str
    insist: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]] = at_once
    decided: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """Reason and what asked, by interrupt, in order: a call that was approved and then halts asks twice by one id."""

    async def begin(self, blobs: Blobs) -> None:
        project = Files(blobs, self.agent_id, SCOPE).of("project")
        await project.write("/AGENTS.md", "Sign with: your shop.")
        await project.write("/skills/letters.md", SKILL)
        await self.insist(lambda: office.begin(self.server, self.agent_id, project="shop", desk="desk 3", past=PAST))

    async def say(self, text: str) -> None:
        await self.insist(lambda: self.server.add_message(self.agent_id, text, id=f"message-{text[:4]}"))

    async def is_over(self) -> bool:
        """Whether the run has ended; decides what waits, else."""
        for item in await self.insist(self.server.inbox):
            await self._decide(item)
        status = await self.insist(lambda: self.server.get_status(self.agent_id))
        return status not in (Status.RUNNING, Status.INTERRUPTED)

    async def _decide(self, item: InboxItem) -> None:
        asked = item.interrupt
        if (asked.id, asked.reason) not in self.decided:
            await self.insist(lambda: self.server.decide(item.agent_id, asked.id, decision(asked)))
            self.decided[asked.id, asked.reason] = (asked.reason, "/".join([*asked.path, asked.tool or ""]))

    # ── what has to be true ───────────────────────────────────────────────────────────────────────────────────

    async def problems(self, blobs: Blobs, ledger: list[int]) -> list[str]:
        """What is wrong at the end, in words; nothing, if all is well."""
        files = Files(blobs, self.agent_id, SCOPE)
        state = await self.insist(lambda: self.server.get_state(self.agent_id))
        events = await self.insist(lambda: self.store.events(self.agent_id, limit=5_000))
        found = {
            "letter": (await files.read(LETTER)).text,
            "log": (await files.of("project").read(LOG)).text,
            "paid": sorted(ledger),
            "decided": [*self.decided.values()],
            "inbox": await self.insist(self.server.inbox),
            "title": state.get_metadata("conversation_title"),
            "todos": [str(todo.status) for todo in state.todos],
            "said": _said(state),
            "called": _called(events),
            "middleware": {event.data["action"] for event in events if event.type == "middleware_action"},
            "sub-agents": Counter(event.type for event in events)["subagent_completed"],
        }
        return [f"{name}: {found[name]}" for name, wanted in WANTED.items() if found[name] != wanted]


WANTED: dict[str, Any] = {
    "letter": "Dear Ann,\nwe are so sorry. It is refunded.\n",
    "log": "order 7: refunded, written to\n",
    "paid": [office.POSTAGE, 2000],
    "decided": [
        ("tool_call", "bookkeeper/refund"),
        ("input_required", "ask_user"),
        ("budget", ""),
        ("tool_call", "send"),
        ("tool_call", "send"),
        ("halt", "send"),
    ],
    "inbox": [],
    "title": TITLE,
    "todos": ["completed", "completed", "in_progress"],
    "said": [
        "Summarize our conversation up to this point for future reference.",
        f"{SUMMARY}\n\nThe TODO list:\n"
        "- 1 [completed] settle it\n- 2 [completed] write to Ann\n- 3 [in_progress] wait for her answer",
        SECOND,
        "",
        "Tool halted: Nobody may write to mallory. "
        "The user has sent a new instruction - proceed with their new request.",
        "Leave it, then.",
        "Then I leave it.",
    ],
    "called": [
        *("write_todos completed", "read_skill completed", "orders__find completed"),
        *("bookkeeper/paid completed", "bookkeeper/refund completed", "task completed"),
        *("ask_user interrupted", "create_file completed", "replace_file_text completed", "send completed"),
        *("write_todos completed", "create_file completed", "send interrupted"),
    ],
    "middleware": {"patched", "summarizing", "summarized"},
    "sub-agents": 1,
}


def _said(state: State) -> list[str]:
    """Each message, the results of tools where it has them."""
    return [", ".join(result.text for result in one.tool_results) or one.text for one in state.messages]


def _called(events: Sequence[Event]) -> list[str]:
    """The calls that have ended, by whom and in order."""
    ended = [one for one in events if one.type == "tool_execution_update" and one.data.get("status") != "executing"]
    return ["/".join([*one.path, f"{one.data.get('name')} {one.data.get('status')}"]) for one in ended]


def _small(request: ModelRequest, _: DeltaSink) -> Message:
    return Message.assistant(SUMMARY if last_user_text(request).startswith("<conversation>") else TITLE)


def _todos(merge: bool, *statuses: str) -> Any:
    steps = ("settle it", "write to Ann", "wait for her answer")
    todos: list[JsonValue] = [
        {"id": n, "content": step, "status": status}
        for n, (step, status) in enumerate(zip(steps, statuses, strict=True), start=1)
    ]
    return calls_raw("write_todos", {"merge": merge, "todos": todos})
