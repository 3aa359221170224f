"""A worker in a process of its own, so that its memory can be watched: `… parked_worker <address> <home>`."""

import asyncio
import os
import sys
from pathlib import Path

from temporalio.client import Client

from benchmarks.words import prose
from sagents import Agent, Sagents, ask, tool
from sagents.messages import Message, Role, ToolCall
from sagents.ports import DeltaSink, ModelRequest
from sagents_infra.channels.local import LocalChannel
from sagents_infra.payloads import DiskStorageDriver, data_converter
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores.sqlite import SqliteStore
from sagents_infra.worker import make_kit, make_worker

CACHE = 100
READY = "ready"


class Clerk:
    """Wants to refund whoever says so, and chats with everybody else."""

    name = "clerk"

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:  # noqa: ARG002 (nobody watches)
        last = request.messages[-1]
        if last.role is Role.USER and last.text.startswith("refund"):
            return Message.assistant(None, tool_calls=(ToolCall(call_id="c", name="refund", arguments={"order": "7"}),))
        return Message.assistant(prose(1_000, len(request.messages)))


@tool(approval=ask())
def refund(order: str) -> str:
    """Give the money back."""
    return f"refunded {order}"


def clerk_app() -> Sagents:
    app = Sagents()
    app.agent("clerk", Agent(model=Clerk(), tools=[refund]))
    return app


async def main(address: str, home: Path) -> None:
    """Work until standard input ends."""
    settings = Settings(home=home, task_queue="bench", max_cached_workflows=CACHE)
    client = await Client.connect(address, data_converter=data_converter(DiskStorageDriver(home / "payloads")))
    store, channel = SqliteStore(settings.store_path), LocalChannel(settings.channel_path)
    kit = make_kit(clerk_app(), store, channel, MemoryPresence())
    async with make_worker(client, kit, settings):
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
    os._exit(0)
