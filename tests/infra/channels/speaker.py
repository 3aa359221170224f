"""A process that announces events through a local channel, once it is told to."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from sagents.events import Event
from sagents_infra.channels import LocalChannel


async def main(path: str, agent_id: str, times: int) -> None:
    channel = LocalChannel(Path(path))
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(times):
        await channel.publish(agent_id, [Event(agent_id=agent_id, type="delta", at=datetime.now(UTC), data={"n": n})])
    channel.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
