"""An agent that adds lines to a file which others edit too: as code, and as a process of its own."""

import asyncio
import sys
from pathlib import Path

from sagents import Files, FileSystem, HookContext, ToolContext
from sagents.ports import Blobs
from sagents_infra.blobs import DiskBlobs

PROJECT = {"project": "p"}
MARK = "<end>"


def files_of(blobs: Blobs) -> Files:
    return Files(blobs, agent_scope=PROJECT)


async def add_lines(blobs: Blobs, agent: str, count: int) -> None:
    """One line after the other, by the tool that models use: each before the mark at the end."""
    tools = FileSystem("project").tools(HookContext())
    replace = next(tool for tool in tools if tool.name == "replace_file_text")
    for number in range(count):
        context = ToolContext(agent_id=agent, tool_call_id=f"call_{number}", files=files_of(blobs))
        line = f"{agent} line {number}\n{MARK}"
        arguments = {"file_path": "/log.md", "old_string": MARK, "new_string": line}
        result = await replace.call(replace.validated(arguments), context)
        assert "edited successfully" in str(result), result


async def begin(blobs: Blobs) -> None:
    await files_of(blobs).of("project").create("/log.md", MARK)


async def lines(blobs: Blobs) -> list[str]:
    return (await files_of(blobs).of("project").read("/log.md")).text.splitlines()


def wanted(agents: int, count: int) -> list[str]:
    return sorted([f"agent-{a} line {n}" for a in range(agents) for n in range(count)] + [MARK])


async def main(folder: Path, count: int, *agents: str) -> None:
    blobs = DiskBlobs(folder)
    await asyncio.gather(*(add_lines(blobs, agent, count) for agent in agents))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
