"""The tools of another program are an agent's tools, with the approvals of any other."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import Agent, Approve, HookContext, HumanInTheLoop, InvalidAgent, Outcome, Reject, allow, ask, deny, users
from sagents.errors import ToolServerFailed
from sagents.messages import ContentPart, PartType
from sagents.middleware import McpTools
from sagents.plan import WorkerLoss
from sagents.ports import ServerAnswer, ServerTool
from sagents.testing import ScriptedModel, StillTime, calls_raw, says, talk

pytestmark = pytest.mark.asyncio

NAMED: dict[str, JsonValue] = {"properties": {"name": {"type": "string"}}, "required": ["name"]}
READ = ServerTool(name="read", title="Reading", description="Read a book.", parameters=NAMED, read_only=True)
BURN = ServerTool(name="burn", description="Burn a book.", parameters=NAMED)
LEND = ServerTool(name="lend", parameters=NAMED, destructive=False)


class Library:
    """A server in this process."""

    def __init__(self, *tools: ServerTool, answer: ServerAnswer | None = None) -> None:
        self.offered = tools or (READ, BURN, LEND)
        self.answer = answer
        self.called: list[tuple[str, dict[str, JsonValue]]] = []
        self.fails: str | None = None

    async def tools(self) -> tuple[ServerTool, ...]:
        if self.fails:
            raise ToolServerFailed(self.fails)
        return self.offered

    async def call(
        self, tool: ServerTool, arguments: Mapping[str, JsonValue], on_progress: Callable[[str], None]
    ) -> ServerAnswer:
        if self.fails:
            raise ToolServerFailed(self.fails)
        on_progress("half")
        self.called.append((tool.name, dict(arguments)))
        said = ContentPart(content=f"{tool.name} {arguments.get('name')}")
        return self.answer or ServerAnswer(content=(said,), value={"ok": True})


def agent(library: Library, *others: Any, **options: Any) -> Agent:
    tools = McpTools("library", server=library, **options)
    return Agent(model="test:any", middleware=[*others, tools], default_middleware=False)


async def use(library: Library, name: str, *answers: Any, others: tuple[Any, ...] = (), **options: Any) -> Outcome:
    model = ScriptedModel(calls_raw(name, {"name": "Emma"}), says("Done."))
    return await talk(agent(library, *others, **options), model, "Go", answers=answers)


async def asked(library: Library, name: str, others: tuple[Any, ...] = (), **options: Any) -> Outcome:
    """As far as the question to people."""
    model = ScriptedModel(calls_raw(name, {"name": "Emma"}))
    outcome = await talk(agent(library, *others, **options), model, "Go")
    assert [interrupt.tool for interrupt in outcome.interrupts] == [name]
    return outcome


def result(outcome: Outcome) -> Any:
    return outcome.state.messages[2].tool_results[0]


async def names(library: Library, **options: Any) -> list[str]:
    return [tool.name for tool in await agent(library, **options).all_tools(HookContext())]


async def test_its_tools_have_the_servers_name_before_theirs() -> None:
    assert await names(Library()) == ["library__read", "library__burn", "library__lend"]
    assert await names(Library(), prefix=False) == ["read", "burn", "lend"]
    assert await names(Library(), only=["re*", "lend"]) == ["library__read", "library__lend"]


async def test_a_call_reaches_the_server_under_its_own_name() -> None:
    library, time = Library(), StillTime()
    model = ScriptedModel(calls_raw("library__read", {"name": "Emma"}), says("Done."))
    outcome = await talk(agent(library), model, "Go", time=time)
    assert library.called == [("read", {"name": "Emma"})]
    assert result(outcome).text == "read Emma"
    assert [data["progress"] for data in time.happened("tool_execution_update") if "progress" in data] == ["half"]
    spec = model.requests[0].tools[0]
    assert (spec.description, spec.parameters) == ("Read a book.", {"type": "object", **NAMED})


async def test_arguments_are_checked_before_the_server_is_asked() -> None:
    library = Library()
    model = ScriptedModel(calls_raw("library__read", {}), says("Oh."))
    outcome = await talk(agent(library), model, "Go")
    assert result(outcome).is_error
    assert library.called == []


async def test_errors_of_the_server_are_error_results() -> None:
    refused = ServerAnswer(content=(ContentPart(content="No such book."),), is_error=True)
    outcome = await use(Library(answer=refused), "library__read")
    assert (result(outcome).is_error, result(outcome).text) == (True, "No such book.")


async def test_a_server_that_breaks_off_in_a_call_is_an_error_result() -> None:
    class Breaks(Library):
        async def call(self, *_: Any) -> ServerAnswer:
            raise ToolServerFailed("The connection broke off.")

    outcome = await use(Breaks(), "library__read")
    assert (result(outcome).is_error, result(outcome).text) == (True, "The connection broke off.")
    assert outcome.text == "Done."


async def test_images_stay_parts_and_nothing_is_done() -> None:
    image = ContentPart(type=PartType.IMAGE, content="AAAA", options={"media_type": "image/png"})
    shown = await use(Library(answer=ServerAnswer(content=(image,))), "library__read")
    assert result(shown).content == (image,)
    nothing = await use(Library(answer=ServerAnswer()), "library__read")
    assert result(nothing).text == "done"
    both = (ContentPart(content="One."), ContentPart(content="Two."))
    assert result(await use(Library(answer=ServerAnswer(content=both)), "library__read")).text == "One.\n\nTwo."


async def test_people_are_asked_about_what_the_server_does_not_call_harmless() -> None:
    anybody = await asked(Library(), "library__burn", ask_destructive=True)
    assert anybody.interrupts[0].approvers is None
    mia = await asked(Library(), "library__burn", ask_destructive=True, approval=ask(approvers=users("mia")))
    assert mia.interrupts[0].approvers == users("mia")
    for harmless in ("library__read", "library__lend"):
        assert (await use(Library(), harmless, ask_destructive=True)).text == "Done."
    assert (await use(Library(), "library__burn")).text == "Done.", "nobody wanted to be asked"


async def test_a_policy_of_its_own_stands_before_every_call() -> None:
    library = Library()
    outcome = await use(library, "library__read", Reject("not today"), approval=ask())
    assert "not today" in result(outcome).text
    assert library.called == []
    assert (await use(library, "library__read", Approve(), approval=ask())).text == "Done."
    assert library.called == [("read", {"name": "Emma"})]


async def test_people_in_the_loop_know_its_tools_by_name_and_by_pattern() -> None:
    by_pattern = HumanInTheLoop(policies={"library__*": ask(), "library__read": allow()})
    await asked(Library(), "library__burn", others=(by_pattern,))
    assert (await use(Library(), "library__read", others=(by_pattern,))).text == "Done."
    never = HumanInTheLoop(policies={"library__burn": deny("Books are not burnt.")})
    outcome = await use(Library(), "library__burn", others=(never,))
    assert result(outcome).text == "Books are not burnt."


async def test_out_of_reach_it_offers_nothing_and_the_run_goes_on() -> None:
    library, time = Library(), StillTime()
    library.fails = "library cannot be reached: refused"
    outcome = await talk(agent(library), ScriptedModel(says("Without it, then.")), "Go", time=time)
    assert outcome.text == "Without it, then."
    assert time.happened("middleware_action") == [
        {"middleware": "mcp_library", "action": "failed", "error": "library cannot be reached: refused"}
    ]


async def test_only_calls_that_may_run_twice_are_repeated_after_a_worker_was_lost() -> None:
    tools = await agent(Library()).all_tools(HookContext())
    assert [tool.on_worker_loss for tool in tools] == [WorkerLoss.RETRY, WorkerLoss.REPORT, WorkerLoss.REPORT]
    assert tools[0].display_text == "Reading"


async def test_names_that_providers_refuse_are_written_otherwise_and_stay_different() -> None:
    odd = [ServerTool(name=name) for name in ("a.b", "a/b", "ok", "x" * 100, "x" * 99 + "y")]
    found = await names(Library(*odd))
    assert found[2] == "library__ok"
    assert len(set(found)) == 5
    assert all(len(name) <= 64 for name in found)
    assert found[0].startswith("library__a_b_")
    assert await names(Library(ServerTool(name="3d")), prefix=False) == ["_3d"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give one of them"),
        ({"url": "https://x", "command": ["x"]}, "give one of them"),
        ({"url": "ftp://x"}, "https://"),
        ({"command": "npx server"}, "is a list"),
        ({"command": []}, "is a list"),
        ({"command": ["x"], "headers": {"a": "b"}}, "headers belong"),
        ({"url": "https://x", "env": {"a": "b"}}, "env and cwd"),
        ({"url": "https://x", "headers": {"a": 1}}, "texts by name"),
        ({"url": "https://x", "only": "read"}, "only is"),
        ({"url": "https://x", "approval": True}, "approval is"),
        ({"url": "https://x", "timeout": 5}, "timeout is"),
        ({"url": "https://x", "patience": timedelta(0)}, "patience is"),
    ],
    ids=str,
)
async def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidAgent, match=words):
        McpTools("library", **options)


@pytest.mark.parametrize("name", ["", "my server", "x" * 33, "3d"])
async def test_a_name_that_no_tool_could_begin_with_is_refused(name: str) -> None:
    with pytest.raises(InvalidAgent, match="no name for a server"):
        McpTools(name, url="https://x")


async def test_secrets_are_not_shown() -> None:
    tools = McpTools("library", url="https://x/?key=k3y", headers={"Authorization": "Bearer s3cret"})
    assert "s3cret" not in repr(tools.address)
    assert tools.debug_summary() == {"server": "library", "over": "http", "ask_destructive": False}
