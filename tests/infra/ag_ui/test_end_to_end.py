"""Pages that speak AG-UI, with agents on a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sagents import (
    Agent,
    AskUserQuestion,
    HookContext,
    Message,
    Middleware,
    Pause,
    Sagents,
    State,
    SubAgent,
    SubAgentConfig,
    ask,
    halt,
    tool,
)
from sagents.client import AgentServer
from sagents.contract import AgentInfo
from sagents.ports import Delta, DeltaSink, ModelRequest
from sagents.status import Status
from sagents_infra.ag_ui import runs, sse
from tests.infra.ag_ui.client import Page
from tests.support.deciding import server_of
from tests.support.driving import until
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user, uses

pytestmark = pytest.mark.asyncio


@tool
def look(number: int = 0) -> str:
    """Look at something."""
    return f"seen {number}"


@tool(approval=ask())
def shred(what: str) -> str:
    """Shred a file."""
    return f"shredded {what}"


@tool
def stop() -> None:
    """Stop the work."""
    halt("Out of stock.")


@tool
async def wait() -> None:
    """Wait for ever."""
    await asyncio.Event().wait()


@tool
def pause() -> Pause:
    """Pause the run."""
    return Pause("quota")


def think(request: ModelRequest, sink: DeltaSink) -> Message:
    text, results = last_user_text(request), results_since_user(request)
    if not results and text == "look":
        return asks_for(("look", {"number": 1}), ("look", {"number": 2}))
    if not results and text == "shred":
        return asks_for(("shred", {"what": "a.txt"}))
    if not results and text == "research":
        return asks_for(("task", {"instructions": "Shred b", "task_name": "research"}))
    if not results and text == "ask":
        return asks_for(("ask_user", {"question": "Which?", "response_type": "freeform"}))
    if not results and text == "stop":
        return asks_for(("stop", {}))
    if not results and text == "plan":
        todos = [{"id": 1, "content": "a", "status": "pending"}]
        return asks_for(("write_todos", {"merge": False, "todos": todos}))
    if not results and text == "wait":
        return asks_for(("wait", {}))
    if not results and text == "pause":
        return asks_for(("pause", {}))
    if not results and text == "both":
        return asks_for(*(("task", {"instructions": f"Look {n}", "task_name": "scout"}) for n in (1, 2)))
    if text == "fail":
        raise RuntimeError("no idea")
    for word in ("Well, ", "done"):
        sink(Delta(text=word))
    return Message.assistant(f"Well, done: {'; '.join(results)}")


def desk() -> Sagents:
    app = Sagents()
    research = SubAgentConfig(
        name="research", description="Shreds", instructions="Shred.", model=uses("shred", what="b.txt"), tools=[shred]
    )
    scout = SubAgentConfig(name="scout", description="Looks", instructions="Look.", model=uses("look"), tools=[look])
    middleware = [SubAgent([research, scout]), AskUserQuestion()]
    app.agent("desk", Agent(model=Thinks(think), tools=[look, shred, stop, wait, pause], middleware=middleware))
    return app


class Heard(Middleware):
    """Keeps what a page says of itself."""

    id = "ag_ui"

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def handle_message(self, message: Any, state: State, context: HookContext, /) -> None:
        self.heard.append(message)


class Browser:
    """A page that posts requests of AG-UI and reads what comes back."""

    def __init__(self, server: AgentServer, thread: str) -> None:
        self.server, self.thread, self.page = server, thread, Page()
        self.last_id: str | None = None
        self._runs = 0

    async def say(self, text: str) -> Page:
        message = {"id": f"{self.thread}-{len(self.page.messages)}", "role": "user", "content": text}
        self.page.messages[message["id"]] = message
        return await self.post()

    async def answer(self, *payloads: Any, status: str = "resolved") -> Page:
        """Answer all that waits, in its order."""
        ids = [one["id"] for one in self.page.interrupts]
        resume = [
            {"interruptId": id, "status": status, **({"payload": payload} if status == "resolved" else {})}
            for id, payload in zip(ids, payloads, strict=True)
        ]
        return await self.post(resume=resume)

    async def post(self, until: str = "", **more: Any) -> Page:
        """With `until` the page goes away once it has an event of this type."""
        self._runs += 1
        messages = [*self.page.messages.values()]
        request = {"threadId": self.thread, "runId": f"run-{self._runs}", "messages": messages, **more}
        body = json.dumps({**request, "state": self.page.state})
        async for event in self.read(sse(self.server, body, agent="desk", last_event_id=self.last_id)):
            self.page.take(event)
            if until and until in self.page.kinds:
                self.page.run = None
                return self.page
        assert self.page.run is None, "the run is over when the response is"
        return self.page

    async def read(self, response: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
        async for chunk in response:
            for line in chunk.decode().splitlines():
                if line.startswith("id: "):
                    self.last_id = line.removeprefix("id: ")
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


async def test_a_page_talks_to_an_agent_that_uses_a_tool_asks_and_sends_a_sub_agent(agent_env: Any) -> None:
    """B-150, B-152: messages with their tokens, calls with their results, an approval, a sub-agent and its approval."""
    async with agent_env(desk()) as env:
        browser = Browser(server_of(env), env.id("thread"))
        page = await browser.say("hello")
        assert (page.texts, page.outcomes) == (["Well, done: "], ["success"])
        assert page.state == {"status": "idle", "todos": []}

        page = await browser.say("look")
        assert [*page.results.values()] == ["seen 1", "seen 2"]
        assert page.texts[-1] == "Well, done: seen 1; seen 2"

        page = await browser.say("shred")
        assert page.outcomes[-1] == "interrupt"
        (asked,) = page.interrupts
        assert asked["reason"] == "tool_call"
        assert asked["responseSchema"]["properties"].keys() == {"approved", "editedArgs", "reason"}
        page = await browser.answer({"approved": True, "editedArgs": {"what": "c.txt"}})
        assert page.outcomes[-1] == "success"
        assert page.results[asked["toolCallId"]] == "shredded c.txt"

        page = await browser.say("research")
        (asked,) = page.interrupts
        (whose,) = page.subagents
        assert asked["subagentRunId"] == whose
        assert page.subagents[whose]["ended"] == "suspended"
        page = await browser.answer({"approved": False, "reason": "too late"})
        assert page.outcomes[-1] == "success"
        assert page.results[asked["toolCallId"]] == "too late"
        assert page.subagents[whose]["ended"] == "success"
        assert page.subagents[whose]["call"] in page.results
        assert "too late" in page.texts[-1]

        page = await browser.say("fail")
        assert page.outcomes[-1] == "RUN_ERROR"
        assert (await browser.say("hello")).outcomes[-1] == "success"


async def test_questions_forms_and_halts_are_answered_through_the_page(agent_env: Any) -> None:
    """B-153: the answer is the value that the form asks for; who abandons a halt dismisses it."""
    async with agent_env(desk()) as env:
        browser = Browser(server_of(env), env.id("thread"))
        page = await browser.say("ask")
        (asked,) = page.interrupts
        assert (asked["reason"], asked["message"]) == ("input_required", "Which?")
        assert asked["metadata"]["sagents"]["data"]["type"] == "ask_user_question"
        page = await browser.answer({"selected": [], "other_text": "the red one"})
        assert "the red one" in page.texts[-1]
        assert "the red one" in page.results[asked["toolCallId"]]

        page = await browser.say("stop")
        assert [(one["reason"], one["message"]) for one in page.interrupts] == [("sagents:halt", "Out of stock.")]
        page = await browser.answer(None, status="cancelled")
        assert page.outcomes[-1] in ("cancelled", "success")
        page = await browser.say("plan")
        assert [todo["content"] for todo in page.state["todos"]] == ["a"]


async def test_an_answer_that_is_not_taken_leaves_the_question_open_and_says_why(agent_env: Any) -> None:
    async with agent_env(desk()) as env:
        browser = Browser(server_of(env), env.id("thread"))
        page = await browser.say("shred")
        page = await browser.answer("perhaps")
        assert page.outcomes[-1] == "interrupt"
        assert page.custom[-1][0] == "not_taken"
        assert page.custom[-1][1]["code"] == "InvalidInput"
        page = await browser.post(resume=[{"interruptId": "int_unknown", "status": "resolved", "payload": True}])
        assert (page.outcomes[-1], page.custom[-1][1]["interruptId"]) == ("interrupt", "int_unknown")
        page = await browser.answer({"approved": True, "editedArgs": {"where": "?"}})
        assert (page.outcomes[-1], page.custom[-1][1]["code"]) == ("interrupt", "InvalidDecision")
        page = await browser.answer(True)
        assert page.outcomes[-1] == "success"


async def test_a_page_that_lost_its_stream_goes_on_and_has_nothing_twice(agent_env: Any) -> None:
    """B-154: after the last event it had, or by asking again; a request that is repeated starts nothing."""
    async with agent_env(desk()) as env:
        server = server_of(env)
        browser = Browser(server, env.id("thread"))
        message = {"id": f"{browser.thread}-1", "role": "user", "content": "look"}
        browser.page.messages[message["id"]] = message
        await browser.post(until="TOOL_CALL_END")
        page = await browser.post()
        assert ([*page.results.values()], page.texts) == (["seen 1", "seen 2"], ["Well, done: seen 1; seen 2"])
        before = {**page.messages}
        page = await browser.post()
        assert (page.outcomes[-1], page.messages) == ("success", before)
        assert page.outcomes[-1] == "success"

        other = Browser(server, browser.thread)
        page = await other.post()
        assert page.texts == ["Well, done: seen 1; seen 2"]
        assert [one["content"] for one in page.messages.values() if one["role"] == "user"] == ["look"]


async def test_a_run_ends_soon_where_an_agent_rests_a_moment_after_it_said_so(
    agent_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "LOOK", 3_600.0)
    async with agent_env(desk()) as env:
        server, early = server_of(env), 3
        asked = server.agent_info

        async def info(agent_id: str) -> AgentInfo | None:
            nonlocal early
            found = await asked(agent_id)
            if found is not None and found.status is Status.IDLE and found.message_count == 2 and early:
                early -= 1
                return found.model_copy(update={"status": Status.RUNNING})
            return found

        monkeypatch.setattr(server, "agent_info", info)
        async with asyncio.timeout(60):
            page = await Browser(server, env.id("thread")).say("hello")
        assert (page.texts, page.outcomes, early) == (["Well, done: "], ["success"], 0)


async def test_a_run_that_somebody_cancels_is_neither_a_success_nor_a_failure(agent_env: Any) -> None:
    """L-43, E-71."""
    async with agent_env(desk()) as env:
        server = server_of(env)
        browser = Browser(server, env.id("thread"))
        posting = asyncio.create_task(browser.say("wait"))

        async def waits() -> bool:
            return any(name == "tool_execution_update" for name, _ in browser.page.custom)

        await until(waits)
        await server.cancel(f"conversation-{browser.thread}")
        assert (await posting).outcomes == ["cancelled"]


async def test_a_paused_run_goes_on_when_the_page_says_so(agent_env: Any) -> None:
    async with agent_env(desk()) as env:
        browser = Browser(server_of(env), env.id("thread"))
        page = await browser.say("pause")
        assert [(one["reason"], one["message"]) for one in page.interrupts] == [("sagents:paused", "quota")]
        page = await browser.answer(None, status="cancelled")
        assert page.outcomes[-1] == "interrupt"
        page = await browser.answer(None)
        assert page.outcomes[-1] == "success"


async def test_two_sub_agents_of_one_name_are_told_apart(agent_env: Any) -> None:
    """B-57: they have one path; each has its own words, calls and end."""
    async with agent_env(desk()) as env:
        browser = Browser(server_of(env), env.id("thread"))
        page = await browser.say("both")
        assert [one["name"] for one in page.subagents.values()] == ["scout", "scout"]
        assert [one["ended"] for one in page.subagents.values()] == ["success", "success"]
        assert page.texts[:2] == ["done: seen 0", "done: seen 0"]


async def test_the_middleware_that_wants_it_hears_what_the_page_says_of_itself(agent_env: Any) -> None:
    """B-155."""
    app, page = Sagents(), Heard()
    app.agent("desk", Agent(model=Thinks(think), middleware=[page], default_middleware=False))
    async with agent_env(app) as env:
        browser = Browser(server_of(env), env.id("thread"))
        await browser.post(context=[{"description": "page", "value": "orders"}], forwardedProps={"theme": "dark"})

        async def heard() -> bool:
            return page.heard != []

        await until(heard)
        context = [{"description": "page", "value": "orders"}]
        assert page.heard == [{"context": context, "forwardedProps": {"theme": "dark"}}]


async def test_what_cannot_be_is_told_as_the_runs_error(agent_env: Any) -> None:
    async with agent_env(desk()) as env:
        body = json.dumps({"threadId": env.id("none"), "runId": "r", "messages": []})
        page = Page()
        async for event in Browser(server_of(env), "").read(sse(server_of(env), body)):
            page.take(event)
        assert page.runs[-1]["code"] == "AgentNotFound"
