"""The tools for files as models meet them, and the options of the middleware (B-34…B-44, E-93…E-98)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import JsonValue

from sagents import (
    Agent,
    FileSystem,
    FileSystemConfig,
    HookContext,
    InvalidAgent,
    Outcome,
    State,
    Tool,
    ToolContext,
    ToolResult,
    tool,
)
from sagents.calling import run_call
from sagents.file_prompt import DISPLAY_TEXTS, TOOLS
from sagents.files import Files
from sagents.memory_blobs import MemoryBlobs
from sagents.messages import ToolCall
from sagents.plan import AgentRef, CallRequest, CallResult, Reference
from sagents.testing import ScriptedModel, calls_raw, says, talk
from sagents.testing.still_time import StillTime

SCOPE: Mapping[str, JsonValue] = {"owner": "ann", "project": "p", "organization": "acme"}


def context(files: Files | None = None, **fields: Any) -> ToolContext:
    fields = {"agent_id": "c-1", "tool_call_id": "call_1", **fields}
    return ToolContext(files=files or Files(agent_id="c-1", agent_scope=SCOPE), **fields)


def tools(middleware: FileSystem) -> dict[str, Tool[..., Any]]:
    return {tool.name: tool for tool in middleware.tools(HookContext())}


class Desk:
    """Calls the tools of a middleware, each as a call of its own, and returns what a model would read."""

    def __init__(self, middleware: FileSystem | None = None, files: Files | None = None) -> None:
        self.tools = tools(middleware or FileSystem())
        self.files = files or Files(agent_id="c-1", agent_scope=SCOPE)
        self.number = 0

    async def result(self, name: str, *, attempt: int = 1, call: str = "", **arguments: Any) -> ToolResult:
        self.number += 1
        made = context(self.files, tool_call_id=call or f"call_{self.number}", attempt=attempt)
        found = await self.tools[name].call(self.tools[name].validated(arguments), made)
        assert isinstance(found, ToolResult)
        return found

    async def says(self, name: str, **arguments: Any) -> str:
        result = await self.result(name, **arguments)
        assert not result.is_error, result
        return str(result.content)

    async def refuses(self, name: str, **arguments: Any) -> str:
        result = await self.result(name, **arguments)
        assert result.is_error, result
        return str(result.content)


# What each tool says (B-35)


@pytest.mark.asyncio
async def test_files_are_listed_as_json() -> None:
    desk = Desk()
    assert await desk.says("list_files") == "No files in filesystem"
    created = json.loads(await desk.says("create_file", file_path="/b.json", content="{}"))
    await desk.files.create("/ä.md", "hällo")
    listed = json.loads(await desk.says("list_files"))
    assert [(one["path"], one["mime_type"], one["size"]) for one in listed] == [
        ("/b.json", "application/json", 2),
        ("/ä.md", "text/markdown", 6),
    ]
    assert created.keys() == listed[0].keys()


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.md", ["/a.md", "/reports/q1.md"]),
        ("/reports/*", ["/reports/q1.md", "/reports/q1xmd"]),
        ("*q1*", ["/reports/q1.md", "/reports/q1xmd"]),
        ("q1.md", ["/reports/q1.md"]),
        ("^/[ab]", ["/a.md"]),
        ("", ["/a.md", "/reports/q1.md", "/reports/q1xmd"]),
    ],
)
@pytest.mark.asyncio
async def test_a_pattern_picks_files_wherever_it_matches(pattern: str, found: list[str]) -> None:
    desk = Desk()
    for path in ("/a.md", "/reports/q1.md", "/reports/q1xmd"):
        await desk.files.create(path, "")
    assert [one["path"] for one in json.loads(await desk.says("list_files", pattern=pattern))] == found


@pytest.mark.asyncio
async def test_a_pattern_that_matches_nothing_or_is_none_says_so() -> None:
    desk = Desk()
    await desk.files.create("/a.md", "")
    assert await desk.says("list_files", pattern="*.txt") == "No files match pattern: *.txt"
    assert (await desk.refuses("list_files", pattern="(")).startswith("Invalid regex pattern: ")


@pytest.mark.asyncio
async def test_a_file_is_read_by_lines() -> None:
    desk = Desk()
    await desk.files.create("/a.md", "one\ntwo\nthree\n")
    assert await desk.says("read_file", file_path="//a.md") == "     1\tone\n     2\ttwo\n     3\tthree"
    part = await desk.says("read_file", file_path="/a.md", start_line=2, limit=1)
    assert part == "Showing lines 2 to 2 of 3:\n     2\ttwo"
    beyond = await desk.says("read_file", file_path="/a.md", start_line=4)
    assert beyond == "File is empty or start_line is beyond file length."
    assert await desk.refuses("read_file", file_path="/b.md") == "File not found: /b.md"


@pytest.mark.asyncio
async def test_what_is_no_text_is_not_shown_to_a_model() -> None:
    desk = Desk()
    await desk.files.create("/a.png", b"\xff\xd8" * 10)
    said = "/a.png is no text file: image/png, 20 bytes"
    assert await desk.refuses("read_file", file_path="/a.png") == said
    assert await desk.refuses("find_in_file", file_path="/a.png", pattern="x") == said
    assert await desk.refuses("replace_file_text", file_path="/a.png", old_string="x", new_string="y") == said
    assert (await desk.files.read("/a.png")).size == 20


@pytest.mark.asyncio
async def test_blank_content_is_kept_exactly() -> None:
    """E-96."""
    desk = Desk()
    await desk.says("create_file", file_path="/blank", content=" \n\t\n  ")
    assert (await desk.files.read("/blank")).text == " \n\t\n  "
    await desk.says("replace_file_text", file_path="/blank", old_string="\t", new_string="  \n")
    assert (await desk.files.read("/blank")).text == " \n  \n\n  "


@pytest.mark.asyncio
async def test_creating_over_a_file_says_how_to_change_it() -> None:
    desk = Desk()
    await desk.says("create_file", file_path="/a.md", content="mine")
    said = await desk.refuses("create_file", file_path="/a.md", content="yours")
    assert said == "File already exists: /a.md. Use replace_file_text to modify existing files."
    assert (await desk.files.read("/a.md")).text == "mine"


@pytest.mark.asyncio
async def test_text_is_replaced_and_counted() -> None:
    desk = Desk()
    await desk.files.create("/a.md", "a b b b")
    edit = {"file_path": "/a.md", "new_string": "x"}
    assert await desk.says("replace_file_text", **edit, old_string="a") == "File edited successfully: /a.md"
    assert (await desk.refuses("replace_file_text", **edit, old_string="b")).startswith("String appears 3 times. Add")
    assert (await desk.refuses("replace_file_text", **edit, old_string="z")).startswith("String not found. Use a sea")
    many = await desk.says("replace_file_text", **edit, old_string="b", replace_all=True)
    assert many == "File edited successfully: /a.md (3 replacements)"
    assert (await desk.files.read("/a.md")).text == "x x x x"
    missing = {"file_path": "/b.md", "old_string": "a", "new_string": "x"}
    assert await desk.refuses("replace_file_text", **missing) == "File not found: /b.md"


@pytest.mark.asyncio
async def test_one_file_is_searched() -> None:
    """E-97, E-98."""
    desk = Desk()
    await desk.files.create("/a.md", "one\ntwo\nThree\n")
    found = await desk.says("find_in_file", file_path="/a.md", pattern="t.+", context_lines=1)
    assert found == "File: /a.md\n     1 |\tone\n     2\ttwo\n     3 |\tThree"
    assert await desk.says("find_in_file", file_path="/a.md", pattern="four") == "No matches found"
    both = await desk.says("find_in_file", file_path="/a.md", pattern="t", case_sensitive=False, max_results=1)
    assert both == "File: /a.md\n     2\ttwo\n\n(Results truncated at 1 matches)"
    assert await desk.refuses("find_in_file", file_path="/b.md", pattern="t") == "File not found: /b.md"
    assert (await desk.refuses("find_in_file", file_path="/a.md", pattern="(")).startswith("Invalid regex pattern: ")
    for glob in ("/*.md", "/a.m?", "/[a].md"):
        said = await desk.refuses("find_in_file", file_path=glob, pattern="t")
        assert said.startswith("Wildcards and globs are not supported in file_path.")


@pytest.mark.asyncio
async def test_files_are_deleted_and_moved() -> None:
    desk = Desk()
    for path in ("/a/1.md", "/a/2.md", "/b.md"):
        await desk.files.create(path, path)
    assert await desk.says("delete_file", file_path="/b.md") == "File deleted successfully: /b.md"
    assert await desk.refuses("delete_file", file_path="/b.md") == "File not found: /b.md"
    assert await desk.says("move_file", old_path="/a", new_path="/c/") == "Moved successfully: /a -> /c (2 entries)"
    assert await desk.refuses("move_file", old_path="/a", new_path="/d") == "File not found: /a"
    taken = await desk.refuses("move_file", old_path="/c/1.md", new_path="/c/2.md")
    assert taken == "Target already exists: /c/2.md"


@pytest.mark.parametrize("name", ["read_file", "create_file", "delete_file", "replace_file_text", "find_in_file"])
@pytest.mark.asyncio
async def test_every_tool_looks_at_the_path_first(name: str) -> None:
    """B-36."""
    arguments = {"content": "", "old_string": "a", "new_string": "b", "pattern": "a"}
    known = tools(FileSystem())[name].parameters["properties"]
    assert isinstance(known, dict)
    given = {key: value for key, value in arguments.items() if key in known}
    said = await Desk().refuses(name, file_path="/a/../../etc/passwd", **given)
    assert said == "Path traversal with '..' is not allowed"


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.asyncio
async def test_storage_that_fails_is_told_and_no_crash(name: str) -> None:
    """B-36, E-94: the model learns at once that nothing was written."""

    class Broken:
        async def get(self, *_: Any) -> Any:
            raise ConnectionError("nobody there")

        put = delete = listed = clear = get

    arguments = {
        "list_files": {},
        "read_file": {"file_path": "/a"},
        "create_file": {"file_path": "/a", "content": ""},
        "replace_file_text": {"file_path": "/a", "old_string": "a", "new_string": "b"},
        "find_in_file": {"file_path": "/a", "pattern": "a"},
        "delete_file": {"file_path": "/a"},
        "move_file": {"old_path": "/a", "new_path": "/b"},
    }
    said = await Desk(files=Files(Broken(), "c-1")).refuses(name, **arguments[name])
    assert said == "Filesystem not available: nobody there"


# A worker is lost, and the call runs again


@pytest.mark.asyncio
async def test_a_call_that_runs_again_has_the_result_of_the_first_and_no_effect() -> None:
    desk = Desk()
    create = {"call": "c1", "file_path": "/a.md", "content": "<end>"}
    assert await desk.says("create_file", **create) == await desk.says("create_file", **create, attempt=2)
    edit = {"call": "c2", "file_path": "/a.md", "old_string": "<end>", "new_string": "line <end>"}
    assert await desk.says("replace_file_text", **edit) == await desk.says("replace_file_text", **edit, attempt=2)
    assert (await desk.files.read("/a.md")).text == "line <end>"
    move = {"call": "c3", "old_path": "/a.md", "new_path": "/b.md"}
    assert await desk.says("move_file", **move) == await desk.says("move_file", **move, attempt=2)
    delete = {"call": "c4", "file_path": "/b.md"}
    assert await desk.says("delete_file", **delete) == await desk.says("delete_file", **delete, attempt=2)


# Directories (B-38, B-42)

HANDBOOK = FileSystemConfig(base_directory="handbook", scope="organization", readonly=True)
TEAM = FileSystemConfig(base_directory="team", scope="project")
MINE = FileSystemConfig(base_directory="team/mine")


async def office() -> Desk:
    desk = Desk(FileSystem("user", directories=[TEAM, HANDBOOK, MINE]))
    await desk.files.of("organization").create("/handbook/rules.md", "Be kind.")
    await desk.files.of("organization").create("/secret.md", "of no directory")
    await desk.files.of("project").create("/team/plan.md", "Plan.")
    await desk.files.of("user").create("/todo.md", "Sleep.")
    return desk


@pytest.mark.asyncio
async def test_each_directory_is_in_its_scope_and_the_rest_in_the_middlewares() -> None:
    desk = await office()
    assert [one["path"] for one in json.loads(await desk.says("list_files"))] == [
        "/handbook/rules.md",
        "/team/plan.md",
        "/todo.md",
    ]
    assert await desk.says("read_file", file_path="/handbook/rules.md") == "     1\tBe kind."
    assert await desk.refuses("read_file", file_path="/secret.md") == "File not found: /secret.md"
    await desk.says("create_file", file_path="/team/new.md", content="")
    await desk.says("create_file", file_path="/team/mine/new.md", content="")
    await desk.says("create_file", file_path="/teams.md", content="")
    assert [one.path for one in await desk.files.of("project").list()] == ["/team/new.md", "/team/plan.md"]
    assert [one.path for one in await desk.files.of("user").list()] == ["/team/mine/new.md", "/teams.md", "/todo.md"]


@pytest.mark.asyncio
async def test_a_directory_for_reading_is_only_for_reading() -> None:
    """B-42, E-95."""
    desk = await office()
    place = "read-only directory: handbook"
    for name, arguments, said in (
        ("create_file", {"file_path": "/handbook/new.md", "content": ""}, f"Cannot write to {place}"),
        ("delete_file", {"file_path": "/handbook/rules.md"}, f"Cannot delete from {place}"),
        ("move_file", {"old_path": "/handbook/rules.md", "new_path": "/a.md"}, f"Cannot move from {place}"),
        ("move_file", {"old_path": "/todo.md", "new_path": "/handbook/todo.md"}, f"Cannot move to {place}"),
        (
            "replace_file_text",
            {"file_path": "/handbook/rules.md", "old_string": "kind", "new_string": "rude"},
            f"Cannot write to {place}",
        ),
    ):
        assert await desk.refuses(name, **arguments) == said
    assert (await desk.files.of("organization").read("/handbook/rules.md")).text == "Be kind."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/todo.md", "/team/todo.md"),
        ("/team/plan.md", "/plan.md"),
        ("/team", "/group"),
        ("/todo.md", "/team"),
        ("/team/plan.md", "/team/mine/plan.md"),
    ],
)
@pytest.mark.asyncio
async def test_nothing_moves_from_one_directory_with_rules_of_its_own_to_another(old: str, new: str) -> None:
    """B-42, E-95."""
    said = await (await office()).refuses("move_file", old_path=old, new_path=new)
    assert said.startswith("Cannot move files across different directories. The file can only be moved within ")


@pytest.mark.asyncio
async def test_a_default_config_is_for_all_other_paths() -> None:
    desk = Desk(FileSystem(directories=[FileSystemConfig(default=True, scope="project", readonly=True), MINE]))
    await desk.files.of("project").create("/a.md", "")
    said = await desk.refuses("create_file", file_path="/b.md", content="")
    assert said == "Cannot write to read-only directory: /"
    await desk.says("create_file", file_path="/team/mine/b.md", content="")
    assert [one["path"] for one in json.loads(await desk.says("list_files"))] == ["/a.md", "/team/mine/b.md"]


@pytest.mark.asyncio
async def test_an_agent_without_the_scope_learns_which_one_it_lacks() -> None:
    desk = Desk(FileSystem("project"), Files(agent_id="c-1"))
    said = await desk.refuses("list_files")
    assert said == "This agent's scope names no project: start it with 'project' in its scope."


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "either a base_directory or default=True"),
        ({"base_directory": "a", "default": True}, "either a base_directory or default=True"),
        ({"base_directory": ""}, "without '.' and without '/'"),
        ({"base_directory": "/a"}, "without '.' and without '/'"),
        ({"base_directory": "a/"}, "without '.' and without '/'"),
        ({"base_directory": "a.b"}, "without '.' and without '/'"),
        ({"base_directory": "a//b"}, "without '.' and without '/'"),
        ({"base_directory": "a", "scope": "team"}, "'team' is no scope of files"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused(options: dict[str, Any], why: str) -> None:
    """B-38."""
    with pytest.raises(InvalidAgent, match=why):
        FileSystemConfig(**options)


def test_two_configs_for_one_directory_are_refused() -> None:
    """B-38."""
    with pytest.raises(InvalidAgent, match="Base directory 'team' is configured twice"):
        FileSystem(directories=[TEAM, FileSystemConfig(base_directory="team", readonly=True)])
    with pytest.raises(InvalidAgent, match="Only one FileSystemConfig can be the default"):
        FileSystem(directories=[FileSystemConfig(default=True), FileSystemConfig(default=True, readonly=True)])
    with pytest.raises(InvalidAgent, match="'team' is no scope of files"):
        FileSystem("team")  # type: ignore[arg-type]


# Options (B-34, E-97)


def prompt(**options: Any) -> str:
    return FileSystem(**options).system_prompt(HookContext())


def test_only_enabled_tools_are_there_and_spoken_of() -> None:
    reading = FileSystem(enabled_tools=["read_file", "list_files"])
    assert list(tools(reading)) == ["list_files", "read_file"]
    assert reading.tool_names == ("list_files", "read_file")
    assert [name for name in TOOLS if name in prompt(enabled_tools=["read_file", "list_files"])] == [
        "list_files",
        "read_file",
    ]
    assert "line number" not in prompt(enabled_tools=["read_file", "list_files"])
    assert all(f"`{name}`" in prompt() for name in TOOLS)
    assert (tools(FileSystem(enabled_tools=[])), prompt(enabled_tools=[])) == ({}, "")


def test_the_prompt_names_what_is_only_for_reading() -> None:
    assert "Only for reading: /handbook." in prompt(directories=[TEAM, HANDBOOK])
    assert "Only for reading" not in prompt(directories=[TEAM])


@pytest.mark.parametrize("option", ["enabled_tools", "custom_tool_descriptions", "custom_display_texts"])
def test_unknown_tools_are_refused_with_those_that_there_are(option: str) -> None:
    value: Any = ["edit_file"] if option == "enabled_tools" else {"edit_file": "Edits"}
    with pytest.raises(
        InvalidAgent, match=rf"Unknown tool name\(s\) in {option}: \['edit_file'\]\. Valid tools: list_"
    ):
        FileSystem(**{option: value})


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"enabled_tools": "read_file"}, "enabled_tools must be a list of tool names, got: 'read_file'"),
        ({"enabled_tools": 7}, "enabled_tools must be a list of tool names, got: 7"),
        ({"custom_tool_descriptions": ["read_file"]}, "custom_tool_descriptions must be a dict"),
        ({"custom_display_texts": {"read_file": 7}}, "custom_display_texts values must be strings, got: 7"),
    ],
)
def test_options_of_another_kind_are_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidAgent, match=why):
        FileSystem(**options)


def test_descriptions_and_labels_can_be_the_applications_own() -> None:
    middleware = FileSystem(
        custom_tool_descriptions={"read_file": "Open a document."},
        custom_display_texts={"read_file": "Opening document"},
    )
    found = tools(middleware)
    assert (found["read_file"].description, found["read_file"].display_text) == ("Open a document.", "Opening document")
    assert found["list_files"].description.startswith("List files, as a JSON array")
    assert {name: one.display_text for name, one in tools(FileSystem()).items()} == DISPLAY_TEXTS


def test_every_argument_is_described_to_the_model() -> None:
    for one in tools(FileSystem()).values():
        properties = one.parameters["properties"]
        assert isinstance(properties, dict)
        assert all(isinstance(each, dict) and each["description"] for each in properties.values()), one.name
    required = tools(FileSystem())["replace_file_text"].parameters["required"]
    assert required == ["file_path", "old_string", "new_string"]


# In a run


@pytest.mark.asyncio
async def test_files_outlive_a_run_and_its_changes_are_announced() -> None:
    """B-44, L-53."""
    agent, time = Agent(model="m", agent_id="c-1", middleware=[FileSystem()]), StillTime()
    first = ScriptedModel(calls_raw("create_file", {"file_path": "/a.md", "content": "hello"}), says("Done."))
    await talk(agent, first, "Write it down.", time=time)
    second = ScriptedModel(calls_raw("read_file", {"file_path": "/a.md"}), says("It says hello."))
    outcome = await talk(agent, second, "What does it say?", time=time)
    assert results(outcome) == ["     1\thello"]
    assert time.happened("file_updated") == [{"path": "/a.md", "scope": "agent"}]
    assert (await Files(time.blobs, "c-1").read("/a.md")).text == "hello"


def results(outcome: Outcome) -> list[str]:
    return [result.text for message in outcome.state.messages for result in message.tool_results]


@pytest.mark.asyncio
async def test_in_process_files_live_as_long_as_the_agent_object_or_where_one_says() -> None:
    def agent() -> Agent:
        reply = calls_raw("create_file", {"file_path": "/a.md", "content": ""})
        return Agent(
            model=ScriptedModel(reply, says("Done.")),
            agent_id="c-1",
            middleware=[FileSystem()],
        )

    one, blobs = agent(), MemoryBlobs()
    assert results(await one.execute("Write."))[0].startswith("{")
    assert results(await one.execute("Write."))[0].startswith("File already exists")
    assert results(await agent().execute("Write."))[0].startswith("{")
    await one.execute("Write.", blobs=blobs)
    assert await Files(blobs, "c-1").exists("/a.md")


@pytest.mark.asyncio
async def test_ten_megabytes_that_code_writes_and_reads_leave_a_call_small() -> None:
    """What a tool returns is what history and the model get, not what it wrote."""

    @tool
    async def fetch(context: ToolContext, lines: int) -> str:
        """Fetch a report."""
        await context.files.write("/report.bin", b"\0" * 10 * 1024 * 1024)
        await context.files.write("/report.csv", "x" * 99 + "\n" + ("y" * 99 + "\n") * (lines - 1))
        return f"{(await context.files.read('/report.csv')).size} bytes"

    agent = Agent(model="m", tools=[fetch], middleware=[FileSystem()])
    around = StillTime().surroundings()

    async def call(name: str, **arguments: Any) -> CallResult:
        made = ToolCall(call_id=f"call_{name}", name=name, arguments=arguments)
        request = CallRequest(
            agent=AgentRef(agent_id="c-1"), reference=Reference(), run_id="r", record="r", call_id="c", name=name
        )
        return await run_call(agent, made, request, around, read_state=_nothing)

    said = [
        await call("fetch", lines=104_857),
        await call("list_files"),
        await call("read_file", file_path="/report.csv", limit=1_000_000),
        await call("find_in_file", file_path="/report.csv", pattern=".", max_results=1_000_000),
        await call("read_file", file_path="/report.bin"),
    ]
    assert said[0].result.text == "10485700 bytes"
    assert max(len(one.model_dump_json()) for one in said) < 60_000
    assert said[2].result.text.startswith("Showing lines 1 to ")
    assert "(Results truncated at " in said[3].result.text
    assert said[4].result.text == "/report.bin is no text file: application/octet-stream, 10485760 bytes"


async def _nothing() -> State:
    return State()


@pytest.mark.asyncio
async def test_long_lists_are_cut_and_say_so() -> None:
    desk = Desk()
    for number in range(1_000):
        await desk.files.create(f"/{'x' * 150}/{number:04}", "")
    said = await desk.says("list_files")
    assert len(said) < 51_000
    listed, note = said.split("\n\n")
    assert note == f"(Results truncated at {len(json.loads(listed))} of 1000 files; narrow them down by a pattern)"


@pytest.mark.asyncio
async def test_code_in_threads_announces_on_the_loop() -> None:
    """A sync tool reaches files too; what it changes is told like anything else that it tells."""

    @tool
    def note(context: ToolContext) -> str:
        """Note."""
        asyncio.run(context.files.write("/a.md", "x"))
        return "noted"

    time = StillTime()
    model = ScriptedModel(calls_raw("note", {}), says("Done."))
    await talk(Agent(model="m", agent_id="c-1", tools=[note]), model, "Note.", time=time)
    assert time.happened("file_updated") == [{"path": "/a.md", "scope": "agent"}]


def test_a_context_of_a_unit_test_has_files_too() -> None:
    assert replace(context(), attempt=2).files.agent_id == "c-1"
    assert ToolContext().files.scope.key == HookContext().files.scope.key
