"""MCP servers in processes of their own."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from sagents.ports import ServerAddress

HERE = Path(__file__).parent
PROGRAM = ServerAddress(name="numbers", command=(sys.executable, str(HERE / "server.py")), env=(("COLOUR", "red"),))
OLDER_PROGRAM = ServerAddress(name="old", command=(sys.executable, str(HERE / "older_server.py")))


class Site:
    """A server on loopback that can be ended and started again at the same port."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self.port = 0

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, HERE / "server.py", str(self.port), stdout=PIPE
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            self.port = int(await self.process.stdout.readline())

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def address(self, **headers: str) -> ServerAddress:
        return ServerAddress(
            name="numbers", url=f"http://127.0.0.1:{self.port}/mcp", headers=tuple(sorted(headers.items()))
        )
