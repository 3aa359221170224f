"""A process that appends events to a log and announces them, as a worker does; `silent` dies before it announces."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from sagents.events import Event
from sagents.ports import News
from sagents_infra.channels import LocalChannel
from sagents_infra.stores import SqliteStore


def an_event(agent_id: str, type: str, n: int) -> Event:
    return Event(agent_id=agent_id, type=type, at=datetime.now(UTC), data={"n": n})


async def main(folder: str, agent_id: str, first: int, last: int, manner: str) -> None:
    store, channel = SqliteStore(Path(folder) / "store.db"), LocalChannel(Path(folder) / "channel.db")
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(first, last + 1):
        await channel.publish(agent_id, [an_event(agent_id, "delta", n)])
        news = [News(slot=f"slot-{n}", event=an_event(agent_id, "said", n))]
        events = await store.append(agent_id, news, "workflow-run-1")
        if manner == "silent" and n == last:
            os.kill(os.getpid(), signal.SIGKILL)
        await channel.publish(agent_id, events)
    channel.close()
    store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
